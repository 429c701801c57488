//! Labels, selectors, and the index that finds selectors by labels.

use crate::{
    finding::Report,
    guard::{Buffer, Handle, Opaque, Out, alone, free, make, many, opaque, shared, text},
    seed, svckit_findings, svckit_seed, svckit_status, svckit_text, tree,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use svckit::{
    api::decode_as,
    finding::{Finding, Kind},
    select::{Expression, Index, LabelSelector, Labels, Selector},
};

/// The labels of one object. Nothing in it changes.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_labels(Handle<Labels>);
opaque!(svckit_labels, Labels);

/// What labels must be. Nothing in it changes.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_selector(Handle<Selector>);
opaque!(svckit_selector, Selector);

/// Selectors by numbers of yours, and which of them match.
///
/// May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
#[derive(Debug)]
pub struct svckit_selector_index(Handle<Index<u64>>);
opaque!(svckit_selector_index, Index<u64>);

/// A label. Its texts are lent for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_label {
    /// The key.
    pub key: svckit_text,
    /// The value.
    pub value: svckit_text,
}

/// Puts labels together; of two with one key, the later counts. They are taken as they are.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*labels_out` and must give it to `svckit_labels_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_labels_new(
    labels: *const svckit_label,
    count: usize,
    labels_out: *mut *mut svckit_labels,
) -> svckit_status {
    let body = || {
        // SAFETY: the header asks for `count` readable labels with readable texts.
        let pairs = unsafe { many(labels, count) }?.iter().map(|label: &svckit_label| {
            // SAFETY: the same.
            unsafe {
                let key = text(label.key.data, label.key.len)?;
                Ok((key, text(label.value.data, label.value.len)?))
            }
        });
        pairs.collect::<Result<Labels, svckit_status>>()
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(labels_out, body) }
}

/// Ends labels. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_labels_free(labels: *mut svckit_labels) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(labels) }
}

/// Reads a selector such as `app=web,tier in (front,back),!beta`. The empty text matches everything.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the text is no selector; the findings say where. `findings_out` may be NULL. Else
/// `*findings_out` is set by every call. On `SVCKIT_STATUS_OK` the caller owns `*selector_out` and must give it to
/// `svckit_selector_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_parse(
    selector: *const u8,
    selector_len: usize,
    findings_out: *mut *mut svckit_findings,
    selector_out: *mut *mut svckit_selector,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = || {
        // SAFETY: the header asks for a readable text.
        let written = unsafe { text(selector, selector_len) }?;
        written.parse().map_err(|error: svckit::select::SelectorError| {
            report.note([Finding::error(Kind::Invalid, "", written, error.to_string())]);
            _ = report.tell();
            svckit_status::InvalidArgument
        })
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(selector_out, body) }
}

/// Reads a LabelSelector: `{"matchLabels": {…}, "matchExpressions": […]}`. An empty text stands for no selector at all,
/// which matches nothing; `{}` matches everything. Otherwise as `svckit_selector_parse`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_from_json(
    selector: *const u8,
    selector_len: usize,
    findings_out: *mut *mut svckit_findings,
    selector_out: *mut *mut svckit_selector,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = || {
        // SAFETY: the header asks for a readable text.
        let json = unsafe { many(selector, selector_len) }?;
        label_selector(json).map_err(|findings| {
            report.note(findings);
            _ = report.tell();
            svckit_status::InvalidArgument
        })
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(selector_out, body) }
}

/// Ends a selector. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_free(selector: *mut svckit_selector) {
    // SAFETY: NULL, or made by a call and given up, as the header asks.
    unsafe { free(selector) }
}

/// Whether labels are what the selector asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_matches(
    selector: *const svckit_selector,
    labels: *const svckit_labels,
    matches_out: *mut bool,
) -> svckit_status {
    let body = |selector: &Selector| {
        // SAFETY: the header asks for labels that are alive, and for room for one answer.
        let (labels, out) =
            unsafe { (labels.as_ref().ok_or(svckit_status::NullPointer)?, Out::new(matches_out)?) };
        out.set(selector.matches(labels.handle().value()?));
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(selector, body) }
}

/// Writes the selector in its canonical form, which can be read again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_print(
    selector: *const svckit_selector,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |selector: &Selector| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        unsafe { Buffer::new(buf, cap, len_out) }?.print(&selector.to_string())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(selector, body) }
}

/// Creates an index without selectors.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*index_out` and must give it to `svckit_selector_index_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_index_new(
    seed: *const svckit_seed,
    index_out: *mut *mut svckit_selector_index,
) -> svckit_status {
    // SAFETY: the header asks for a readable seed.
    let body = || Ok(Index::new(unsafe { seed::seed(seed) }?));
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(index_out, body) }
}

/// Ends an index. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_index_free(index: *mut svckit_selector_index) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(index) }
}

/// Puts a selector in, in place of the one that was under this number. The selector may be freed afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_index_insert(
    index: *mut svckit_selector_index,
    number: u64,
    selector: *const svckit_selector,
) -> svckit_status {
    let body = |index: &mut Index<u64>| {
        // SAFETY: the header asks for a selector that is alive.
        let selector = unsafe { selector.as_ref() }.ok_or(svckit_status::NullPointer)?;
        index.insert(number, selector.handle().value()?.clone());
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(index, body) }
}

/// Takes the selector under this number away, if there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_index_remove(
    index: *mut svckit_selector_index,
    number: u64,
) -> svckit_status {
    let body = |index: &mut Index<u64>| {
        index.remove(&number);
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(index, body) }
}

/// Writes the numbers of the selectors that labels match, in order. Costs what matches, however many selectors there
/// are.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_selector_index_matching(
    index: *const svckit_selector_index,
    labels: *const svckit_labels,
    buf: *mut u64,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |index: &Index<u64>| {
        // SAFETY: the header asks for labels that are alive, and for room for `cap` numbers and one length.
        let (labels, buffer) = unsafe {
            (labels.as_ref().ok_or(svckit_status::NullPointer)?, Buffer::new(buf, cap, len_out)?)
        };
        buffer.fill(index.matching(labels.handle().value()?).into_iter())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(index, body) }
}

/// A LabelSelector as it is written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<WrittenExpression>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenExpression {
    key: String,
    operator: String,
    values: Vec<String>,
}

/// What a LabelSelector in JSON asks for.
fn label_selector(json: &[u8]) -> Result<Selector, Vec<Finding>> {
    if json.is_empty() {
        return Selector::from_label_selector(None);
    }
    let document = tree::document(json)
        .map_err(|reason| vec![Finding::error(Kind::Invalid, "", "", reason)])?;
    let (written, findings): (Written, _) = decode_as(&document);
    if findings.iter().any(Finding::is_error) {
        return Err(findings);
    }
    let pairs = written.match_labels.iter();
    let expressions = written.match_expressions.iter().map(|expression| Expression {
        key: &expression.key,
        operator: &expression.operator,
        values: expression.values.iter().map(String::as_str).collect(),
    });
    Selector::from_label_selector(Some(&LabelSelector {
        match_labels: pairs.map(|(key, value)| (key.as_str(), value.as_str())).collect(),
        match_expressions: expressions.collect(),
    }))
}
