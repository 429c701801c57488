//! Kubernetes objects as C hands them over: JSON.

use crate::{finding::Report, guard::many, svckit_status, tree};
use svckit::{
    admit,
    api::{Object, decode},
    finding::{Finding, Kind},
};

/// Fills in what an API server fills in without knowing a cluster: defaults, and lists of one from their older fields.
pub(crate) fn complete(object: &mut Object) {
    admit::default(object);
    if let Object::Service(service) = object {
        admit::service::normalize(service, None);
    }
}

/// Reads objects: one, a List, or several documents that follow one another. Those that can't be read whole are
/// reported and left out.
///
/// # Safety
///
/// `json` is NULL, or points to `len` readable bytes that nobody writes during the call.
pub(crate) unsafe fn objects(
    json: *const u8,
    len: usize,
    report: &mut Report,
) -> Result<Vec<Object>, svckit_status> {
    // SAFETY: promised by the caller.
    let json = unsafe { many(json, len) }?;
    let documents = tree::documents(json).map_err(|reason| report.unreadable("objects", reason))?;
    let mut sound = Vec::new();
    for decoded in documents.iter().flat_map(decode) {
        let refused = decoded.findings.iter().any(Finding::is_error);
        report.note(decoded.findings);
        sound.extend(decoded.object.filter(|_| !refused));
    }
    Ok(sound)
}
/// Reads one object. It must be there and whole: `Err(Refused)` otherwise.
///
/// # Safety
///
/// As [`objects`].
pub(crate) unsafe fn object(
    json: *const u8,
    len: usize,
    report: &mut Report,
) -> Result<Object, svckit_status> {
    // SAFETY: promised by the caller.
    let mut objects = unsafe { objects(json, len, report) }?;
    if objects.len() > 1 {
        report.note([Finding::error(Kind::TooMany, "", "", "one object at a time")]);
        return Err(svckit_status::InvalidArgument);
    }
    objects.pop().ok_or(svckit_status::Refused)
}
