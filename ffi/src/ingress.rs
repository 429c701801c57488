//! Where requests go.

mod answer;
mod request;

pub use answer::*;
pub(crate) use request::Read;
pub use request::*;

use crate::{
    cluster::State,
    finding::Report,
    guard::{Buffer, Handle, Out, alone, free, give, one, opaque, shared},
    svckit_cluster, svckit_findings, svckit_status,
};
use serde_json::{Value, json};
use std::sync::Arc;
use svckit::ingress::{Explanation, Outcome, Routes, Scratch, Target, Verdict};

/// Where requests go, in one state of a cluster. It never changes.
///
/// May move between threads; all calls but `_free` may run side by side. Take a new one when the cluster has changed.
#[derive(Debug)]
pub struct svckit_routes(Handle<Arc<Routes>>);
opaque!(svckit_routes, Arc<Routes>);

/// Takes the routes of what the cluster holds now; costs what has changed.
///
/// Findings are what is wrong with Ingresses, none of which keeps another one out; `findings_out` may be NULL, else
/// `*findings_out` is set by every call, to NULL when there is nothing to tell. They never make the call fail. On
/// `SVCKIT_STATUS_OK` the caller owns `*routes_out` and must give it to `svckit_routes_free`; it lives on when the
/// cluster ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_routes(
    cluster: *mut svckit_cluster,
    findings_out: *mut *mut svckit_findings,
    routes_out: *mut *mut svckit_routes,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(routes_out) }?;
        let routes = state.cluster.router().routes();
        report.note(state.cluster.router().findings());
        _ = report.tell();
        out.set(give::<svckit_routes>(routes));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Ends routes. NULL is fine; so are poisoned ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_routes_free(routes: *mut svckit_routes) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(routes) }
}

/// How many routes there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_routes_len(
    routes: *const svckit_routes,
    len_out: *mut usize,
) -> svckit_status {
    let body = |routes: &Arc<Routes>| {
        // SAFETY: the header asks for room for one number.
        unsafe { Out::new(len_out) }?.set(routes.iter().count());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(routes, body) }
}

/// What to do with a request, options and all.
///
/// What can't be read in one way only is refused with 400: two hosts, bad paths, bytes that can't stand there. `buf`
/// gets a text that depends on the action: the path for the pod, the value of `Location`, or why the request is
/// refused. The texts of `*answer_out` live as long as the routes; `cors_origin` may also be the request's own. Costs a
/// few hash probes; allocates only for what has to be rewritten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_routes_answer(
    routes: *const svckit_routes,
    request: *const svckit_request,
    answer_out: *mut svckit_answer,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |routes: &Arc<Routes>| {
        // SAFETY: the header asks for a readable request with readable texts, and for room for one answer, `cap` bytes
        // and one length.
        let (request, out, buffer) = unsafe {
            (one(request)?.read()?, Out::new(answer_out)?, Buffer::new(buf, cap, len_out)?)
        };
        let mut scratch = Scratch::default();
        let head = request.head();
        let (answer, text) = match head.canonical(routes.path_policy(), &mut scratch) {
            Ok(canonical) => svckit_answer::of(routes, &canonical, &request),
            Err(bad) => (svckit_answer::refuse(bad.status()), bad.to_string().into()),
        };
        buffer.print(&text)?;
        out.set(answer);
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(routes, body) }
}

/// Writes who takes a request and who else might have, as JSON for people:
/// `{"outcome": "route", "candidates": [{"host": …, "path": …, "pathType": …, "ingress": "shop/web", "verdict": "takes"}]}`.
///
/// `outcome` is `route`, `default`, `none`, or `refused` for what can't be read in one way only. A host is empty when it
/// stands for all. The first candidate of a route takes the request; the verdicts of others are `less-specific`,
/// `shadowed`, `other-host` and `no-match`. Costs all routes of the hosts that fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_routes_explain(
    routes: *const svckit_routes,
    request: *const svckit_request,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |routes: &Arc<Routes>| {
        // SAFETY: the header asks for a readable request with readable texts, and for room for `cap` bytes and one
        // length.
        let (request, buffer) = unsafe { (one(request)?.read()?, Buffer::new(buf, cap, len_out)?) };
        let mut scratch = Scratch::default();
        let told = match request.head().canonical(routes.path_policy(), &mut scratch) {
            Err(bad) => json!({ "outcome": "refused", "why": bad.to_string(), "candidates": [] }),
            Ok(canonical) => match canonical.target {
                Target::Path { path, .. } => {
                    explained(&routes.explain(canonical.host.name(), path))
                }
                _ => json!({ "outcome": outcome(&routes.route(&canonical)), "candidates": [] }),
            },
        };
        buffer.print(&told.to_string())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(routes, body) }
}

const fn outcome(outcome: &Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::Route(_) => "route",
        Outcome::Default(_) => "default",
        Outcome::NotFound => "none",
    }
}

fn explained(explanation: &Explanation<'_>) -> Value {
    let candidates = explanation.candidates.iter().map(|candidate| {
        let route = candidate.route;
        json!({
            "host": route.host.as_deref().unwrap_or_default(),
            "path": &*route.path,
            "pathType": format!("{:?}", route.path_type),
            "ingress": route.ingress.to_string(),
            "verdict": match candidate.verdict {
                Verdict::Takes => "takes",
                Verdict::LessSpecific => "less-specific",
                Verdict::Shadowed(_) => "shadowed",
                Verdict::OtherHost => "other-host",
                Verdict::NoMatch => "no-match",
            },
        })
    });
    let candidates: Vec<_> = candidates.collect();
    json!({ "outcome": outcome(&explanation.outcome), "candidates": candidates })
}
