//! Rules on where an Ingress can be reached.

use crate::{
    admit::{Gates, field::Notes, metadata, service},
    api::Ingress,
    finding::Finding,
};
use std_alloc::vec::Vec;

/// Everything that refuses a new status of an Ingress whose spec stays as it is.
#[must_use]
pub fn validate_status(new: &Ingress, old: &Ingress, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    let before = Some(&old.status.load_balancer);
    service::balancer(&new.status.load_balancer, before, false, gates, &mut notes);
    notes.0
}
