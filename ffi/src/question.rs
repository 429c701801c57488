//! Questions that need no handle and are not asked often: JSON in, JSON out.
//!
//! Every answer is one call of the core. What is asked per packet or per request has a function of its own, with numbers
//! instead of text.

mod names;
mod policy;
mod selectors;

use crate::{
    guard::{Buffer, catch, many, text},
    svckit_status,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use svckit::finding::Finding;

/// What a question makes of its input.
type Ask = fn(&[u8]) -> Result<Value, svckit_status>;

/// All questions by name.
const QUESTIONS: &[(&str, Ask)] = &[
    ("service-families", policy::service_families),
    ("topology", policy::topology),
    ("nginx-uri", policy::nginx_uri),
    ("selector", selectors::selector),
    ("selector-tokens", selectors::tokens),
    ("requirement", selectors::requirement),
    ("labels", selectors::labels),
    ("labels-parse", selectors::parse),
    ("label-selector", selectors::label_selector),
    ("dns-shape", names::shape),
    ("dns-endpoint-label", names::endpoint_label),
    ("dns-etcd-labels", names::etcd_labels),
    ("dns-walk", names::walk),
    ("resolv-conf", names::resolv_conf),
];

/// Answers a question that needs no handle, for callers that ask seldom: `input` and the answer are JSON.
///
/// - `service-families`, what an API server fills into a new Service:
///   `{"families": ["IPv4", "IPv6"], "service": {…}}` → `{"service": {…}, "errors": []}`.
/// - `topology`, which endpoints a node may use for a service port: `{"node": "n1", "zone": "a", "nodeHints": true,
///   "internal": "Cluster", "external": "Local", "exposed": true, "endpoints": [{"addr": "10.1.2.3:80", "local": false,
///   "ready": true, "serving": true, "terminating": false, "zoneHints": [], "nodeHints": []}]}` → `{"cluster": […],
///   "local": […], "reachable": […], "hasAny": true, "hints": "zone"}`.
/// - `nginx-uri`, what nginx matches: `{"target": "//a/../b"}` → `{"uri": "/b"}`, or `{"uri": null}` for 400.
/// - `selector`: one of `{"selector": "a=b"}`, `{"labelSelector": {…}}`, `{"set": {"a": "b"}}` and
///   `{"requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}`, with `"add": [requirement]`,
///   `"labels": {"a": "b"}` and `"exact": "a"` if you like; `"compat": true` reads texts as the reference does,
///   `"checked": true` checks a set's pairs → `{"errors": [], "text": "a=b", "requirements": […], "nothing": false,
///   "everything": false, "matches": true, "exact": "b"}`.
/// - `selector-tokens`: `{"text": "a in (b)"}` → `{"tokens": [{"kind": "Identifier", "text": "a"}, …], "operator": false}`;
///   `operator` says whether the whole text is one.
/// - `requirement`: a requirement → `{"errors": [], "text": "a in (b)", "values": ["b"]}`; `"with": {…}` is another one,
///   and `"equal"` says whether they are the same.
/// - `labels`: `{"labels": {"a": "b"}, "other": {"a": "c"}}` → `{"text": "a=b", "conflicts": true, "merged": {"a": "c"},
///   "errors": {"keys": 0, "values": 0}}`. `labels-parse`: `{"text": "a=b"}` → `{"labels": {"a": "b"}}`, or null in place
///   of the map. `label-selector`: `{"labelSelector": {…}}` → `{"map": {…}, "valid": true, "errors": []}`; `map` is as
///   much of it as equals a map.
/// - `dns-shape`, what the labels left of a cluster's domain mean: `{"name": "_http._tcp.web.shop.svc",
///   "multicluster": false, "zonal": false}` → `{"kind": "svc", "namespace": "shop", "service": "web", "port": "http",
///   "protocol": "tcp"}`, or null.
/// - `dns-endpoint-label`: `{"ip": "10.1.2.3", "hostname": "", "pod": "", "podNames": false}` → `{"label": "10-1-2-3"}`.
///   `dns-etcd-labels`: `{"ip": "10.0.0.1"}` → `{"kube2sky": …, "kubeDNS": …}`.
/// - `dns-walk`, a search list walked on a client's behalf: `{"name": "a.x.example.", "search": ["x.example.", ""],
///   "answers": {"a.x.example.": "<message in hexadecimal>"}}` → `{"tries": […], "found": true, "answer": [[owner, ttl,
///   type, data]]}`, or null for what is no search.
/// - `resolv-conf`: one of `{"text": "…"}`, `{"policy": "ClusterFirst", "hostNetwork": false}`,
///   `{"conf": conf, "merge": conf}` and `{"conf": conf, "limit": "now"}` (or `"legacy"`), where `conf` is
///   `{"nameservers": […], "searches": […], "options": […]}` → `conf`, `{"base": "cluster"}`, `conf`, and
///   `{"conf": conf, "cut": false}`; null for what can't be read.
///
/// Errors are `{"kind": "Invalid", "path": "spec.ipFamilies[0]", "message": …}`.
///
/// `SVCKIT_STATUS_NOT_FOUND`: there is no such question. `SVCKIT_STATUS_INVALID_ARGUMENT`: its input can't be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_question_answer(
    question: *const u8,
    question_len: usize,
    input: *const u8,
    input_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    catch(|| {
        // SAFETY: the header asks for readable texts of these lengths, and for room for `cap` bytes and one length.
        let (question, input, buffer) = unsafe {
            let buffer = Buffer::new(buf, cap, len_out)?;
            (text(question, question_len)?, many(input, input_len)?, buffer)
        };
        let (_, ask) =
            QUESTIONS.iter().find(|(name, _)| *name == question).ok_or(svckit_status::NotFound)?;
        buffer.print(&ask(input)?.to_string())
    })
}

/// Reads an input.
fn read<T: DeserializeOwned>(input: &[u8]) -> Result<T, svckit_status> {
    serde_json::from_slice(input).map_err(|_| svckit_status::InvalidArgument)
}

/// A value of the core's as JSON.
fn written<T: Serialize>(value: &T) -> Result<Value, svckit_status> {
    serde_json::to_value(value).map_err(|_| svckit_status::Other)
}

/// What is wrong, as JSON.
fn errors(findings: &[Finding]) -> Value {
    let error = |finding: &Finding| {
        serde_json::json!({
            "kind": finding.kind.as_str(), "path": finding.path, "message": finding.message,
        })
    };
    findings.iter().filter(|finding| finding.is_error()).map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(question: &str, input: &str) -> Result<Value, svckit_status> {
        let (mut room, mut len) = (vec![0; 4096], 0);
        // SAFETY: texts and room are as long as said.
        let status = unsafe {
            svckit_question_answer(
                question.as_ptr(),
                question.len(),
                input.as_ptr(),
                input.len(),
                room.as_mut_ptr(),
                room.len(),
                &raw mut len,
            )
        };
        match status {
            svckit_status::Ok => Ok(serde_json::from_slice(&room[..len]).unwrap()),
            status => Err(status),
        }
    }

    #[test]
    fn answers() {
        let cases = [
            ("nginx-uri", r#"{"target":"//a/../b"}"#, "/uri", r#""/b""#),
            ("nginx-uri", r#"{"target":"/../b"}"#, "/uri", "null"),
            ("selector", r#"{"selector":"b,a=1"}"#, "/text", r#""a=1,b""#),
            ("selector", r#"{"selector":"a="}"#, "/errors", "[]"),
            ("selector", r#"{"set":{"a":"1"},"labels":{"a":"1"}}"#, "/matches", "true"),
            ("selector-tokens", r#"{"text":"in"}"#, "/operator", "true"),
            ("labels", r#"{"labels":{"a":"1"},"other":{"a":"2"}}"#, "/conflicts", "true"),
            ("labels-parse", r#"{"text":"a"}"#, "/labels", "null"),
            ("dns-shape", r#"{"name":"web.shop.svc"}"#, "/service", r#""web""#),
            ("dns-endpoint-label", r#"{"ip":"10.1.2.3"}"#, "/label", r#""10-1-2-3""#),
            ("resolv-conf", r#"{"policy":"Default"}"#, "/base", r#""host""#),
            (
                "service-families",
                r#"{"families":["IPv6"],"service":{}}"#,
                "/service/spec/ipFamilies",
                r#"["IPv6"]"#,
            ),
        ];
        for (question, input, path, want) in cases {
            let answer = ask(question, input).unwrap();
            let came = answer.pointer(path).unwrap_or_else(|| panic!("{question}: {answer}"));
            assert_eq!(came.to_string(), want, "{question} {input}");
        }
    }

    #[test]
    fn what_cannot_be_asked() {
        assert_eq!(ask("nothing", "{}"), Err(svckit_status::NotFound));
        for (name, _) in QUESTIONS {
            for input in ["", "[", "7", "null", r#"{"unheard":1}"#] {
                assert_eq!(ask(name, input), Err(svckit_status::InvalidArgument), "{name} {input}");
            }
        }
    }
}
