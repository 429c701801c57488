//! IngressClasses.

use super::timestamp;
use crate::{
    api::{self, ANNOTATION_DEFAULT_CLASS},
    model::IngressClass,
};

/// A class in checked form.
#[must_use]
pub fn ingress_class(class: &api::IngressClass) -> IngressClass {
    let metadata = &class.metadata;
    let default = metadata.annotations.get(ANNOTATION_DEFAULT_CLASS);
    let created = metadata.creation_timestamp.as_deref().and_then(timestamp::seconds);
    IngressClass {
        name: metadata.name.as_str().into(),
        controller: class.spec.controller.as_str().into(),
        created: created.unwrap_or_default(),
        is_default: default.is_some_and(|value| value == "true"),
    }
}
