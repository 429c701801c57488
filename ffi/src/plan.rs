//! What a node's kernel has to be told.

use crate::{
    cluster::State,
    guard::{Buffer, Handle, Out, alone, free, give, opaque, shared, text},
    svckit_cluster, svckit_status,
};
use std::fmt;
use svckit::{
    forward::{Changed, Desired, Item, NodeConfig, Proxy},
    model::Family,
    plan::{Plan, Planner},
    render::{
        iptables, ipvs,
        nft::{self, Grouping, Load, Ruleset, netlink::Transactions},
    },
};

/// There is a table of ours for IPv4, in `svckit_cluster_plan_netlink`.
pub const SVCKIT_TABLES_IPV4: u8 = 1;
/// There is a table of ours for IPv6, in `svckit_cluster_plan_netlink`.
pub const SVCKIT_TABLES_IPV6: u8 = 2;
/// Clients with session affinity go on to be remembered when tables of ours are replaced; kernels before 6.3 may refuse
/// it. In `svckit_cluster_plan_netlink`.
pub const SVCKIT_TABLES_KEEP_CLIENTS: u8 = 4;

/// The steps from what the kernel holds to what it should hold. Nothing in it changes.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_plan(Handle<Written>);
opaque!(svckit_plan, Written);

/// A plan and its text, or its messages.
#[derive(Debug)]
pub(crate) struct Written {
    plan: Plan<Item, Desired>,
    form: Form,
}

/// What a plan is carried out with.
#[derive(Debug)]
enum Form {
    Text(String),
    Netlink(Transactions),
}

impl Form {
    /// Writes a plan; `None` when the ruleset can't tell the steps.
    fn write(
        &mut self,
        ruleset: &mut Ruleset,
        plan: &Plan<Item, Desired>,
        node: &NodeConfig,
        load: Load,
    ) -> Option<()> {
        match self {
            Self::Text(text) => {
                text.clear();
                ruleset.write(plan, node, text).ok()
            }
            Self::Netlink(out) if plan.full => {
                ruleset.encode_full(plan, node, (load, Grouping::Together), |_| false, out);
                Some(())
            }
            Self::Netlink(out) => {
                ruleset.encode_changes(&plan.ops, Grouping::Together, |_| false, out).ok()
            }
        }
    }
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
    /// The next plan in one form; `None` when nothing is left to do.
    fn next_plan(&mut self, mut form: Form, load: Load) -> Result<Option<Written>, svckit_status> {
        self.settle();
        let proxy = self.cluster.proxy();
        let steps = self.steps.get_or_insert_with(|| {
            let mut planner = Planner::new(self.seed.derive(0x91a));
            planner.follow_changed(proxy, &Changed { whole: true, ..Changed::default() });
            Steps { planner, ruleset: Ruleset::default() }
        });
        let (ruleset, node) = (&mut steps.ruleset, proxy.node());
        // A plan that was not committed is in doubt as a whole; so are chains and numbers that it brought.
        ruleset.undo();
        let Some(plan) = steps.planner.plan() else { return Ok(None) };
        if form.write(ruleset, &plan, node, load).is_some() {
            return Ok(Some(Written { plan, form }));
        }
        // What the kernel holds is in doubt, or needs what only a full plan can bring.
        steps.planner.reset();
        let Some(plan) = steps.planner.plan() else { return Ok(None) };
        form.write(ruleset, &plan, node, load).ok_or(svckit_status::Other)?;
        Ok(Some(Written { plan, form }))
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
        let plan = state.next_plan(Form::Text(String::new()), Load::Pieces)?;
        out.set(plan.map_or(std::ptr::null_mut(), give::<svckit_plan>));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// The same as messages for a netlink socket (`NETLINK_NETFILTER`), without the nft program; `svckit_plan_netlink` has
/// them. `tables` are `SVCKIT_TABLES_*` of those that are there, added: a full plan takes their place in one
/// transaction. With 0 none may be there, and a large one comes in several transactions, of which the last one takes
/// effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_plan_netlink(
    cluster: *mut svckit_cluster,
    tables: u8,
    plan_out: *mut *mut svckit_plan,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(plan_out) }?;
        let (v4, v6) = (tables & SVCKIT_TABLES_IPV4 != 0, tables & SVCKIT_TABLES_IPV6 != 0);
        let keep = tables & SVCKIT_TABLES_KEEP_CLIENTS != 0;
        let load = if v4 || v6 { Load::Atomic { v4, v6, keep } } else { Load::Pieces };
        let plan = state.next_plan(Form::Netlink(Transactions::default()), load)?;
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
/// `iptables-restore --noflush`, `ip6tables` for `ip6tables-restore --noflush`, `ipvs` for `ipvsadm --restore`, `ipset`
/// for `ipset restore -exist`, and `ipvs-addresses`, one a line, for the dummy device of IPVS; `ipvs6`, `ipset6` and
/// `ipvs6-addresses` for IPv6.
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
        let mut out = String::new();
        let rendered = render(state.cluster.proxy(), form, &mut out);
        rendered.ok_or(svckit_status::InvalidArgument)?.map_err(|_| svckit_status::Other)?;
        buffer.print(&out)
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(cluster, body) }
}

/// Writes everything that the node forwards; `None`: there is no such form.
fn render(proxy: &Proxy, form: &str, out: &mut String) -> Option<fmt::Result> {
    let addresses = |family| {
        let all = ipvs::addresses(proxy, family);
        all.iter().map(|address| format!("{address}\n")).collect::<String>()
    };
    Some(match form {
        "nft" => nft::full(proxy, out),
        "iptables" => iptables::full(proxy, Family::V4, out),
        "ip6tables" => iptables::full(proxy, Family::V6, out),
        "ipvs" => ipvs::servers(proxy, Family::V4, out),
        "ipvs6" => ipvs::servers(proxy, Family::V6, out),
        "ipset" => ipvs::sets(proxy, Family::V4, out),
        "ipset6" => ipvs::sets(proxy, Family::V6, out),
        "ipvs-addresses" => fmt::Write::write_str(out, &addresses(Family::V4)),
        "ipvs6-addresses" => fmt::Write::write_str(out, &addresses(Family::V6)),
        _ => return None,
    })
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
/// `SVCKIT_STATUS_NOT_FOUND`: the plan was taken as messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_plan_nft(
    plan: *const svckit_plan,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |written: &Written| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        match &written.form {
            Form::Text(text) => buffer.print(text),
            Form::Netlink(_) => Err(svckit_status::NotFound),
        }
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(plan, body) }
}

/// Writes one transaction of a plan that was taken as messages, from 0: send it as one datagram, and read the kernel's
/// answers before the next one.
///
/// `SVCKIT_STATUS_OUT_OF_RANGE`: there are not so many. `SVCKIT_STATUS_NOT_FOUND`: the plan was taken as text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_plan_netlink(
    plan: *const svckit_plan,
    number: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |written: &Written| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        let Form::Netlink(transactions) = &written.form else {
            return Err(svckit_status::NotFound);
        };
        let bytes = transactions.iter().nth(number).ok_or(svckit_status::OutOfRange)?;
        buffer.fill(bytes.iter().copied())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(plan, body) }
}
