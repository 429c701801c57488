//! What a node's kernel has to be told.

use crate::{
    cluster::State,
    guard::{Buffer, Handle, Out, alone, free, give, opaque, shared, text},
    svckit_cluster, svckit_status,
};
use svckit::{
    forward::{Changed, Desired, Item},
    model::Family,
    plan::{Plan, Planner},
    render::{
        iptables,
        nft::{self, Ruleset},
    },
};

/// The steps from what the kernel holds to what it should hold. Nothing in it changes.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_plan(Handle<Written>);
opaque!(svckit_plan, Written);

/// A plan and its text.
#[derive(Debug)]
pub(crate) struct Written {
    plan: Plan<Item, Desired>,
    nft: String,
}

/// A planner and what it knows of the kernel's tables.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) planner: Planner<Item, Desired>,
    ruleset: Ruleset,
}

/// What a plan is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_plan_info {
    /// Hand this to `svckit_cluster_commit` when all of it is in place.
    pub generation: u64,
    /// How many pieces change: service ports, addresses, ports of the node.
    pub steps: usize,
    /// Whether the plan is the whole of what should be there, and everything else goes.
    pub full: bool,
}

impl State {
    /// The next plan and its text; `None` when nothing is left to do.
    fn next_plan(&mut self) -> Result<Option<Written>, svckit_status> {
        self.settle();
        let proxy = self.cluster.proxy();
        let steps = self.steps.get_or_insert_with(|| {
            let mut planner = Planner::new(self.seed.derive(0x91a));
            planner.follow_changed(proxy, &Changed { whole: true, ..Changed::default() });
            Steps { planner, ruleset: Ruleset::default() }
        });
        let Some(plan) = steps.planner.plan() else { return Ok(None) };
        let mut nft = String::new();
        if steps.ruleset.write(&plan, proxy.node(), &mut nft).is_ok() {
            return Ok(Some(Written { plan, nft }));
        }
        // What the kernel holds is in doubt, or needs what only a full plan can bring.
        steps.planner.reset();
        nft.clear();
        let Some(plan) = steps.planner.plan() else { return Ok(None) };
        let written = steps.ruleset.write(&plan, proxy.node(), &mut nft);
        written.map_err(|_| svckit_status::Other)?;
        Ok(Some(Written { plan, nft }))
    }
}

/// Takes the steps that the kernel of the node lacks.
///
/// `*plan_out` is NULL when nothing is left to do; else the caller owns it and must give it to `svckit_plan_free`. The
/// first plan is full, because nobody knows what an earlier run has left behind. Carry a plan out as a whole, then call
/// `svckit_cluster_commit`; what was not committed is planned again. If a plan fails, call `svckit_cluster_reset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_plan(
    cluster: *mut svckit_cluster,
    plan_out: *mut *mut svckit_plan,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(plan_out) }?;
        let plan = state.next_plan()?;
        out.set(plan.map_or(std::ptr::null_mut(), give::<svckit_plan>));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Says that all steps of a plan are in place.
///
/// `SVCKIT_STATUS_NOT_FOUND`: a later plan was taken since, or none; what it brings is planned again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_commit(
    cluster: *mut svckit_cluster,
    generation: u64,
) -> svckit_status {
    let body = |state: &mut State| {
        let steps = state.steps.as_mut().ok_or(svckit_status::NotFound)?;
        if !steps.planner.commit(generation) {
            return Err(svckit_status::NotFound);
        }
        steps.ruleset.done();
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Says that what the kernel holds is no longer known, as after a plan that failed: the next plan is a full one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_reset(cluster: *mut svckit_cluster) -> svckit_status {
    let body = |state: &mut State| {
        if let Some(steps) = &mut state.steps {
            steps.planner.reset();
        }
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Writes everything that the node forwards, as input for other programs: `nft` for `nft -f -`, `iptables` for
/// `iptables-restore --noflush`, `ip6tables` for `ip6tables-restore --noflush`.
///
/// Equal states give equal texts. The text is made anew by each call, so guess the size well: 300 bytes an endpoint.
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_render(
    cluster: *const svckit_cluster,
    form: *const u8,
    form_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |state: &State| {
        // SAFETY: the header asks for a readable text, and for room for `cap` bytes and one length.
        let (form, buffer) = unsafe { (text(form, form_len)?, Buffer::new(buf, cap, len_out)?) };
        let (proxy, mut out) = (state.cluster.proxy(), String::new());
        let rendered = match form {
            "nft" => nft::full(proxy, &mut out),
            "iptables" => iptables::full(proxy, Family::V4, &mut out),
            "ip6tables" => iptables::full(proxy, Family::V6, &mut out),
            _ => return Err(svckit_status::InvalidArgument),
        };
        rendered.map_err(|_| svckit_status::Other)?;
        buffer.print(&out)
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(cluster, body) }
}

/// Ends a plan. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_plan_free(plan: *mut svckit_plan) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(plan) }
}

/// What the plan is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_plan_describe(
    plan: *const svckit_plan,
    info_out: *mut svckit_plan_info,
) -> svckit_status {
    let body = |written: &Written| {
        // SAFETY: the header asks for room for one description.
        let out = unsafe { Out::new(info_out) }?;
        let Plan { generation, full, ref ops, .. } = written.plan;
        out.set(svckit_plan_info { generation, steps: ops.len(), full });
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(plan, body) }
}

/// Writes the plan as input for `nft -f -`: one transaction, all or nothing.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how long the text is. NULL with 0 asks for that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_plan_nft(
    plan: *const svckit_plan,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |written: &Written| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        unsafe { Buffer::new(buf, cap, len_out) }?.print(&written.nft)
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(plan, body) }
}
