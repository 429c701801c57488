//! What is wrong with somebody's input.

use crate::{
    guard::{Handle, Out, free, give, opaque, shared},
    svckit_status, svckit_text, tree,
};
use svckit::{
    api::Tree,
    finding::{Finding, Kind, Severity},
};

/// What is wrong with an input, in its order. Nothing in it changes.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_findings(Handle<Vec<Finding>>);
opaque!(svckit_findings, Vec<Finding>);

/// The kinds of findings; an API server's, and two of svckit's own. Later versions may have more.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum svckit_finding_kind {
    /// Of a kind this header has no number for.
    Other = 0,
    /// A value is missing.
    Required = 1,
    /// A value breaks its rule.
    Invalid = 2,
    /// A value is not one of a fixed list.
    NotSupported = 3,
    /// A value occurs twice where it must be unique.
    Duplicate = 4,
    /// A field may not be set here.
    Forbidden = 5,
    /// A text is longer than allowed.
    TooLong = 6,
    /// A list has more items than allowed.
    TooMany = 7,
    /// There is no such field or object.
    Unknown = 8,
    /// Another object holds what this one asks for.
    Conflict = 9,
}

impl From<Kind> for svckit_finding_kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Required => Self::Required,
            Kind::Invalid => Self::Invalid,
            Kind::NotSupported => Self::NotSupported,
            Kind::Duplicate => Self::Duplicate,
            Kind::Forbidden => Self::Forbidden,
            Kind::TooLong => Self::TooLong,
            Kind::TooMany => Self::TooMany,
            Kind::Unknown => Self::Unknown,
            Kind::Conflict => Self::Conflict,
            _ => Self::Other,
        }
    }
}

/// One thing that is wrong with one object. The texts live as long as the `svckit_findings`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_finding {
    /// `Service shop/cart`: kind, namespace and name, as far as they are known.
    pub object: svckit_text,
    /// Where in the object: `spec.ports[0].port`. Empty when it is about the object as a whole.
    pub path: svckit_text,
    /// What stands there, printed; empty when nothing does.
    pub value: svckit_text,
    /// What is wrong and what to do: one sentence, lower case, no full stop.
    pub message: svckit_text,
    /// What kind of mistake it is.
    pub kind: svckit_finding_kind,
    /// Whether the object was refused; else this is a warning.
    pub refused: bool,
}

/// Ends findings. NULL is fine: it is what calls give that have found nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_findings_free(findings: *mut svckit_findings) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(findings) }
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_findings_len(findings: *const svckit_findings) -> usize {
    let mut len = 0;
    let body = |findings: &Vec<Finding>| {
        len = findings.len();
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks. A handle that can't be used has no findings.
    unsafe { shared(findings, body) };
    len
}

/// One of them, from 0.
///
/// `SVCKIT_STATUS_OUT_OF_RANGE`: there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_findings_get(
    findings: *const svckit_findings,
    number: usize,
    finding_out: *mut svckit_finding,
) -> svckit_status {
    let body = |findings: &Vec<Finding>| {
        // SAFETY: the header asks for room for one finding.
        let out = unsafe { Out::new(finding_out) }?;
        let finding = findings.get(number).ok_or(svckit_status::OutOfRange)?;
        out.set(svckit_finding {
            object: finding.object.as_str().into(),
            path: finding.path.as_str().into(),
            value: finding.value.as_str().into(),
            message: finding.message.as_str().into(),
            kind: finding.kind.into(),
            refused: finding.severity == Severity::Error,
        });
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(findings, body) }
}

/// Where findings go, for callers that want them.
pub(crate) struct Report(Option<Out<*mut svckit_findings>>, Vec<Finding>);

impl Report {
    /// Writes NULL for now, so that every call leaves something that may be freed.
    ///
    /// # Safety
    ///
    /// `place` is NULL or has room for one pointer, for as long as the call runs.
    pub(crate) unsafe fn new(place: *mut *mut svckit_findings) -> Self {
        if !place.is_null() {
            // SAFETY: not NULL, and there is room as the caller promises.
            unsafe { place.write(std::ptr::null_mut()) };
        }
        // SAFETY: promised by the caller.
        Self(unsafe { Out::new(place) }.ok(), Vec::new())
    }

    /// Adds findings.
    pub(crate) fn note(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.1.extend(findings);
    }

    /// A text that can't be read at all.
    pub(crate) fn unreadable(&mut self, what: &str, reason: String) -> svckit_status {
        self.note([Finding {
            object: what.into(),
            ..Finding::error(Kind::Invalid, "", "", reason)
        }]);
        svckit_status::InvalidArgument
    }

    /// Reads the documents of a JSON text, hands each to `take`, and tells what is wrong.
    pub(crate) fn each_document(
        mut self,
        json: &[u8],
        mut take: impl FnMut(&Tree, &mut Self),
    ) -> Result<(), svckit_status> {
        match tree::documents(json) {
            Ok(documents) => {
                documents.iter().for_each(|document| take(document, &mut self));
                self.tell()
            }
            Err(reason) => {
                let status = self.unreadable("objects", reason);
                self.fail(status)
            }
        }
    }

    /// Gives the findings to the caller; `Err(Refused)` when one of them refuses something.
    pub(crate) fn tell(self) -> Result<(), svckit_status> {
        let refused = self.1.iter().any(Finding::is_error);
        if let Self(Some(place), findings) = self
            && !findings.is_empty()
        {
            place.set(give::<svckit_findings>(findings));
        }
        if refused { Err(svckit_status::Refused) } else { Ok(()) }
    }

    /// Gives the findings to the caller together with a failure.
    pub(crate) fn fail(self, status: svckit_status) -> Result<(), svckit_status> {
        _ = self.tell();
        Err(status)
    }
}
