//! Gateways, their classes, HTTPRoutes and grants, with the columns that Gateway API's own definitions name.

use svckit::api::{Json, Object, ObjectMeta};

use super::{Columns, Row, age};
use crate::load::Loaded;

const GATEWAYS: Columns =
    Columns { headings: &["NAME", "CLASS", "ADDRESS", "PROGRAMMED", "AGE"], narrow: 5 };
const CLASSES: Columns =
    Columns { headings: &["NAME", "CONTROLLER", "ACCEPTED", "AGE", "DESCRIPTION"], narrow: 4 };
const ROUTES: Columns = Columns { headings: &["NAME", "HOSTNAMES", "AGE"], narrow: 3 };
const GRANTS: Columns = Columns { headings: &["NAME", "AGE"], narrow: 2 };

pub(super) fn gateways(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let cells = |object: &Object| match object {
        Object::Gateway(gateway) => {
            let class = gateway.spec.gateway_class_name.clone();
            let addresses = values(field(&gateway.status, "addresses"));
            let programmed = condition(&gateway.status, "Programmed");
            Some(named(&gateway.metadata, [class, addresses, programmed]))
        }
        _ => None,
    };
    (GATEWAYS, rows(loaded, cells))
}

pub(super) fn classes(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let cells = |object: &Object| match object {
        Object::GatewayClass(class) => {
            let accepted = condition(&class.status, "Accepted");
            let controller = class.spec.controller_name.clone();
            let mut cells = named(&class.metadata, [controller, accepted]);
            cells.push(class.spec.description.clone());
            Some(cells)
        }
        _ => None,
    };
    (CLASSES, rows(loaded, cells))
}

pub(super) fn routes(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let cells = |object: &Object| match object {
        Object::HttpRoute(route) => {
            // A list in a column is shown as JSON; one that isn't there as nothing.
            let hostnames = match &route.spec.hostnames[..] {
                [] => String::new(),
                hostnames => serde_json::to_string(hostnames).unwrap_or_default(),
            };
            Some(named(&route.metadata, [hostnames]))
        }
        _ => None,
    };
    (ROUTES, rows(loaded, cells))
}

pub(super) fn grants(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let cells = |object: &Object| match object {
        Object::ReferenceGrant(grant) => Some(named(&grant.metadata, [])),
        _ => None,
    };
    (GRANTS, rows(loaded, cells))
}

fn rows(loaded: &Loaded, cells: impl Fn(&Object) -> Option<Vec<String>>) -> Vec<Row> {
    let given = loaded.cluster.control().given();
    given.filter_map(|(_, object)| Some(Row::of(object, cells(object)?))).collect()
}

/// An object's name, what is between, and its age.
fn named<const N: usize>(metadata: &ObjectMeta, between: [String; N]) -> Vec<String> {
    let mut cells = vec![metadata.name.clone()];
    cells.extend(between);
    cells.push(age(metadata));
    cells
}

fn field<'j>(json: &'j Json, name: &str) -> Option<&'j Json> {
    let Json::Map(fields) = json else { return None };
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn text<'j>(json: &'j Json, name: &str) -> Option<&'j str> {
    match field(json, name)? {
        Json::String(text) => Some(text),
        _ => None,
    }
}

/// The `value` of each item, with commas between.
fn values(list: Option<&Json>) -> String {
    let Some(Json::List(items)) = list else { return String::new() };
    let values: Vec<&str> = items.iter().filter_map(|item| text(item, "value")).collect();
    values.join(",")
}

/// What a status says of a condition; nothing while nobody has looked at the object.
fn condition(status: &Json, kind: &str) -> String {
    let Some(Json::List(conditions)) = field(status, "conditions") else { return String::new() };
    let own = conditions.iter().find(|condition| text(condition, "type") == Some(kind));
    own.and_then(|condition| text(condition, "status")).unwrap_or_default().into()
}
