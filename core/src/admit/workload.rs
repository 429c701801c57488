//! Controllers of pods: defaults and rules on their names, selectors and templates.

use super::{
    Gates,
    field::{Field, Notes, SPEC},
    metadata::{self, Naming},
    pod,
};
use crate::{
    api::{
        LabelSelector, ObjectMeta, PodTemplateSpec, ReplicationController, StringMap, WorkloadSpec,
    },
    finding::Finding,
};
use std_alloc::{string::String, vec::Vec};

/// Fills in what the author left out: the selector and labels of the controller are those of its template.
pub fn default_controller(controller: &mut ReplicationController) {
    let spec = &mut controller.spec;
    spec.replicas.get_or_insert(1);
    let Some(template) = &mut spec.template else { return };
    pod::default_template(&mut template.spec);
    if spec.selector.is_empty() {
        spec.selector.clone_from(&template.metadata.labels);
    }
    if controller.metadata.labels.is_empty() {
        controller.metadata.labels.clone_from(&template.metadata.labels);
    }
}

/// The same for a ReplicaSet, Deployment or StatefulSet. Of the versions before `apps/v1` a missing selector is that
/// of the template's labels.
pub fn default(api_version: &str, spec: &mut WorkloadSpec) {
    spec.replicas.get_or_insert(1);
    pod::default_template(&mut spec.template.spec);
    if spec.selector.is_none() && api_version != "apps/v1" {
        let match_labels = spec.template.metadata.labels.clone();
        spec.selector = Some(LabelSelector { match_labels, ..LabelSelector::default() });
    }
}

/// Everything that refuses a new ReplicationController, as far as it is looked at.
#[must_use]
pub fn validate_controller(controller: &ReplicationController, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    let spec = &controller.spec;
    metadata::create(&controller.metadata, Naming::SUBDOMAIN, &mut notes);
    replicas(spec.replicas, &mut notes);
    let selector = SPEC.child("selector");
    if spec.selector.is_empty() {
        notes.required(selector, "says which pods belong to the controller");
    }
    match &spec.template {
        Some(given) => template(given, Some(&spec.selector), gates, &mut notes),
        None => notes.required(SPEC.child("template"), "says what pods are made of"),
    }
    notes.0
}

/// Everything that refuses a new ReplicaSet, Deployment or StatefulSet, as far as it is looked at.
#[must_use]
pub fn validate(meta: &ObjectMeta, spec: &WorkloadSpec, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(meta, Naming::SUBDOMAIN, &mut notes);
    replicas(spec.replicas, &mut notes);
    let at = SPEC.child("selector");
    match &spec.selector {
        None => notes.required(at, "says which pods belong to the controller"),
        Some(selector) => {
            if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
                notes.invalid(at, "", "must not be empty: that would be every pod");
            }
            metadata::labels(&selector.match_labels, at.child("matchLabels"), &mut notes);
        }
    }
    let selected = spec.selector.as_ref().map(|selector| &selector.match_labels);
    template(&spec.template, selected, gates, &mut notes);
    notes.0
}

fn replicas(count: Option<i32>, notes: &mut Notes) {
    if count.is_some_and(|count| count < 0) {
        notes.invalid(SPEC.child("replicas"), count.unwrap_or_default(), "must not be negative");
    }
}

/// The pods that are made must be those that are selected.
fn template(
    template: &PodTemplateSpec,
    selected: Option<&StringMap>,
    gates: &Gates,
    notes: &mut Notes,
) {
    let at = SPEC.child("template");
    let meta = at.child("metadata");
    let labels: Field<'_> = meta.child("labels");
    let has = |(key, value): (&String, &String)| template.metadata.labels.get(key) == Some(value);
    if let Some(selected) = selected
        && !selected.iter().all(has)
    {
        notes.invalid(labels, "", "must be what spec.selector selects");
    }
    metadata::labels(&template.metadata.labels, labels, notes);
    pod::spec(&template.spec, at.child("spec"), pod::Kind::Template, gates, notes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_takes_the_labels_of_its_template() {
        let mut controller = ReplicationController::default();
        controller.metadata.name = "web".into();
        controller.metadata.namespace = "shop".into();
        let mut template = PodTemplateSpec::default();
        template.metadata.labels.insert("app".into(), "web".into());
        controller.spec.template = Some(template);
        default_controller(&mut controller);
        assert_eq!(controller.spec.selector.get("app").unwrap(), "web");
        assert_eq!(validate_controller(&controller, &Gates::default()), []);
        controller.spec.selector.insert("app".into(), "other".into());
        let findings = validate_controller(&controller, &Gates::default());
        assert_eq!(findings[0].path, "spec.template.metadata.labels");
    }

    #[test]
    fn a_deployment_says_what_it_selects() {
        let mut spec = WorkloadSpec::default();
        spec.template.metadata.labels.insert("app".into(), "web".into());
        default("apps/v1", &mut spec);
        let meta =
            ObjectMeta { name: "web".into(), namespace: "shop".into(), ..Default::default() };
        assert_eq!(validate(&meta, &spec, &Gates::default())[0].path, "spec.selector");
        default("extensions/v1beta1", &mut spec);
        assert_eq!(validate(&meta, &spec, &Gates::default()), []);
        spec.selector = Some(LabelSelector::default());
        spec.replicas = Some(-1);
        let findings = validate(&meta, &spec, &Gates::default());
        let paths: Vec<_> = findings.iter().map(|finding| &*finding.path).collect();
        assert_eq!(paths, ["spec.replicas", "spec.selector"]);
    }
}
