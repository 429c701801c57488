//! Rules on objects and on texts.

use crate::{
    finding::Report,
    guard::{Buffer, catch, text},
    objects::object,
    svckit_findings, svckit_status,
};
use svckit::{
    admit::{
        self, Gates,
        syntax::{self, Level, Problems},
    },
    api::Object,
    finding::{Finding, Kind},
};

/// Checks an object as its author wrote it: warnings, and everything that would refuse it once it has its defaults.
///
/// Other objects are not known here; `svckit_cluster_apply` knows them. `gates` are Kubernetes' feature gates that
/// differ from their defaults, such as `StrictIPCIDRValidation=false`, separated by commas.
///
/// `SVCKIT_STATUS_REFUSED`: the object is refused, and the findings say why. `SVCKIT_STATUS_INVALID_ARGUMENT`: the text
/// isn't JSON, holds more than one object, or there is no such gate. `findings_out` may be NULL. Else `*findings_out`
/// is set by every call: to NULL when there is nothing to tell, or to what must be given to `svckit_findings_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_object_check(
    object: *const u8,
    object_len: usize,
    gates: *const u8,
    gates_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: as the header asks; the same contract as here.
    unsafe {
        judge((object, object_len), (gates, gates_len), findings_out, |object, gates, _| {
            Ok(admit::check(&object, gates))
        })
    }
}

/// Checks an object that has its defaults, without warnings. With `old`, which may be empty, the rules on changes hold
/// too. Otherwise as `svckit_object_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_object_validate(
    object: *const u8,
    object_len: usize,
    old: *const u8,
    old_len: usize,
    gates: *const u8,
    gates_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: as the header asks; the same contract as here.
    unsafe {
        judge((object, object_len), (gates, gates_len), findings_out, |new, gates, report| {
            if old_len == 0 {
                return Ok(admit::validate(&new, gates));
            }
            // SAFETY: as the header asks.
            let old = self::object(old, old_len, report)?;
            if new.kind() != old.kind() {
                return Err(svckit_status::InvalidArgument);
            }
            Ok(admit::validate_update(&new, &old, gates))
        })
    }
}

/// Checks what a controller writes to the status of an Ingress; `old` is the object as it was. Otherwise as
/// `svckit_object_check`.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT` also for objects whose status has no rules here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_object_validate_status(
    object: *const u8,
    object_len: usize,
    old: *const u8,
    old_len: usize,
    gates: *const u8,
    gates_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: as the header asks; the same contract as here.
    unsafe {
        judge((object, object_len), (gates, gates_len), findings_out, |new, gates, report| {
            // SAFETY: as the header asks.
            match (new, self::object(old, old_len, report)?) {
                (Object::Ingress(new), Object::Ingress(old)) => {
                    Ok(admit::ingress::validate_status(&new, &old, gates))
                }
                _ => Err(svckit_status::InvalidArgument),
            }
        })
    }
}

/// Writes an object with everything that its author left out, as JSON.
///
/// `SVCKIT_STATUS_REFUSED`: the object can't be read; findings as with `svckit_object_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_object_default(
    object: *const u8,
    object_len: usize,
    findings_out: *mut *mut svckit_findings,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    catch(|| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        // SAFETY: the header asks for `object_len` readable bytes.
        let mut object = match unsafe { self::object(object, object_len, &mut report) } {
            Ok(object) => object,
            Err(status) => return report.fail(status),
        };
        admit::default(&mut object);
        _ = report.tell();
        buffer.print(&serde_json::to_string(&object).map_err(|_| svckit_status::Other)?)
    })
}

/// Checks a text by the rules of a form: `rfc1123-label`, `rfc1123-subdomain`, `rfc1035-label`, `wildcard-subdomain`,
/// `fully-qualified-domain`, `port-name`, `port-number`, `label-key`, `label-value`, `domain-prefixed-path`,
/// `ip-canonical`, `ip-strict`, `ip-lenient`, `cidr-canonical`, `cidr-strict`, `cidr-lenient`, `interface-address`.
///
/// `SVCKIT_STATUS_REFUSED`: the text is not of this form; findings as with `svckit_object_check`.
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_syntax_check(
    form: *const u8,
    form_len: usize,
    value: *const u8,
    value_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    catch(|| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (form, value) = unsafe { (text(form, form_len)?, text(value, value_len)?) };
        let problems = problems(form, value).ok_or(svckit_status::InvalidArgument)?;
        report.note(
            problems.into_iter().map(|message| Finding::error(Kind::Invalid, "", value, message)),
        );
        report.tell()
    })
}

/// What is wrong with a text; `None` when there is no such form.
fn problems(form: &str, value: &str) -> Option<Vec<String>> {
    let texts =
        |problems: Problems| problems.into_iter().map(|problem| problem.to_string()).collect();
    let (kind, level) = form.rsplit_once('-').unwrap_or_default();
    let level = match level {
        "canonical" => Some(Level::Canonical),
        "strict" => Some(Level::Strict),
        "lenient" => Some(Level::Lenient),
        _ => None,
    };
    let told = |message: Option<String>| message.into_iter().collect();
    Some(match (form, kind, level) {
        (_, "ip", Some(level)) => told(syntax::ip(value, level).err().map(|e| e.to_string())),
        (_, "cidr", Some(level)) => told(syntax::cidr(value, level).err().map(|e| e.to_string())),
        ("interface-address", ..) => {
            let canonical = syntax::interface_address(value).map(|address| address.to_string());
            told(match canonical {
                Some(text) if text == value => None,
                Some(text) => Some(format!("must be written {text}")),
                None => Some("must be an address with a prefix length".into()),
            })
        }
        ("rfc1123-label", ..) => texts(syntax::rfc1123_label(value)),
        ("rfc1123-subdomain", ..) => texts(syntax::rfc1123_subdomain(value)),
        ("rfc1035-label", ..) => texts(syntax::rfc1035_label(value)),
        ("wildcard-subdomain", ..) => texts(syntax::wildcard_subdomain(value)),
        ("fully-qualified-domain", ..) => texts(syntax::fully_qualified_domain(value)),
        ("port-name", ..) => texts(syntax::port_name(value)),
        ("port-number", ..) => texts(syntax::port_number(value.parse().unwrap_or(0))),
        ("label-key", ..) => texts(syntax::qualified_name(value)),
        ("label-value", ..) => texts(syntax::label_value(value)),
        ("domain-prefixed-path", ..) => texts(syntax::domain_prefixed_path(value)),
        _ => return None,
    })
}

/// Reads an object and gates, and lets `rules` say what is wrong.
///
/// # Safety
///
/// The texts are readable; `findings_out` is NULL or has room for one pointer.
unsafe fn judge(
    (json, json_len): (*const u8, usize),
    (switches, switches_len): (*const u8, usize),
    findings_out: *mut *mut svckit_findings,
    rules: impl FnOnce(Object, &Gates, &mut Report) -> Result<Vec<Finding>, svckit_status>,
) -> svckit_status {
    // SAFETY: promised by the caller.
    let mut report = unsafe { Report::new(findings_out) };
    catch(|| {
        // SAFETY: promised by the caller.
        let gates = gates(unsafe { text(switches, switches_len) }?)?;
        // SAFETY: promised by the caller.
        let object = unsafe { object(json, json_len, &mut report) };
        match object.and_then(|object| rules(object, &gates, &mut report)) {
            Ok(findings) => {
                report.note(findings);
                report.tell()
            }
            Err(status) => report.fail(status),
        }
    })
}

/// `A=true,B=false` over the defaults.
fn gates(text: &str) -> Result<Gates, svckit_status> {
    let mut gates = Gates::default();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, on) = pair.split_once('=').ok_or(svckit_status::InvalidArgument)?;
        let on = on.trim().parse().map_err(|_| svckit_status::InvalidArgument)?;
        if !gates.set(name.trim(), on) {
            return Err(svckit_status::InvalidArgument);
        }
    }
    Ok(gates)
}
