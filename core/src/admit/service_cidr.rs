//! ServiceCIDRs: rules.

use super::{
    field::{Notes, SPEC},
    metadata::{self, Naming},
    syntax::{self, Level},
};
use crate::{api::ServiceCidr, finding::Finding, model::Family};
use std_alloc::{string::ToString, vec::Vec};

/// Everything that refuses a new ServiceCIDR.
///
/// ```
/// use svckit::{admit::service_cidr, api::ServiceCidr};
///
/// let mut range = ServiceCidr::default();
/// range.metadata.name = "more".into();
/// range.spec.cidrs = vec!["10.97.0.1/16".into()];
/// assert_eq!(service_cidr::validate(&range)[0].path, "spec.cidrs[0]");
/// ```
#[must_use]
pub fn validate(range: &ServiceCidr) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(&range.metadata, Naming::CLUSTER, &mut notes);
    cidrs(range, &mut notes);
    notes.0
}

/// Everything that refuses `new` in place of `old`: the ranges may not change.
#[must_use]
pub fn validate_update(new: &ServiceCidr, old: &ServiceCidr) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    if new.spec.cidrs != old.spec.cidrs {
        notes.invalid(SPEC.child("cidrs"), new.spec.cidrs.join(","), "may not change");
    }
    notes.0
}

/// Too few, too many or two of one family: that alone is told.
fn cidrs(range: &ServiceCidr, notes: &mut Notes) {
    let list = SPEC.child("cidrs");
    let texts = range.spec.cidrs.as_slice();
    let family = |text: &str| Some(Family::of(syntax::cidr(text, Level::Lenient).ok()?.addr()));
    match texts {
        [] => return notes.required(list, "at least one range is needed"),
        [_] => {}
        [first, second] => match (family(first), family(second)) {
            (Some(first), Some(second)) if first != second => {}
            _ => return notes.invalid(list, texts.join(","), "must be one range of each family"),
        },
        _ => return notes.invalid(list, texts.join(","), "must hold at most two ranges"),
    }
    for (i, text) in texts.iter().enumerate() {
        if let Err(problem) = syntax::cidr(text, Level::Canonical) {
            notes.invalid(list.index(i), text, &problem.to_string());
        }
    }
}
