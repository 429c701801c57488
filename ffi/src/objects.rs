//! Kubernetes objects as C hands them over: JSON.

use crate::{finding::Report, guard::many, svckit_status, tree};
use svckit::{
    api::{Object, decode},
    finding::Finding,
};

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
        let Some(mut object) = decoded.object.filter(|_| !refused) else { continue };
        if object.is_namespaced() && object.metadata().namespace.is_empty() {
            object.metadata_mut().namespace.push_str("default");
        }
        sound.push(object);
    }
    Ok(sound)
}
