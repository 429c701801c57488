//! Secrets that hold a certificate.

use super::read;
use crate::{
    admit::{
        field::{Field, Notes},
        syntax,
    },
    api,
    finding::Finding,
    model::TlsSecret,
};
use std_alloc::{string::String, sync::Arc, vec::Vec};

const DATA: Field<'static> = Field::root("data");
const CERTIFICATE: &str = "tls.crt";
const PRIVATE_KEY: &str = "tls.key";

/// The certificate in a Secret; `None` when it holds none.
///
/// Secrets of type `kubernetes.io/tls` must hold one; others do when they have both of its keys. The PEM envelopes
/// are checked, not what is inside.
///
/// # Errors
///
/// A key that is missing, values that are no base64, texts that are no PEM. Findings never repeat a private key.
pub fn tls_secret(secret: &api::Secret) -> Result<Option<TlsSecret>, Vec<Finding>> {
    let has = |name: &str| secret.data.contains_key(name) || secret.string_data.contains_key(name);
    if secret.r#type != "kubernetes.io/tls" && !(has(CERTIFICATE) && has(PRIVATE_KEY)) {
        return Ok(None);
    }
    let mut notes = Notes::default();
    let certificate = value(secret, CERTIFICATE, &mut notes);
    if let Some(text) = &certificate
        && !blocks(text).is_some_and(|labels| labels.contains(&"CERTIFICATE"))
    {
        notes.invalid(DATA.key(CERTIFICATE), "", "must hold certificates in PEM");
    }
    let private_key = value(secret, PRIVATE_KEY, &mut notes);
    let one_key = |text: &str| {
        let labels = blocks(text)?;
        let keys = labels.into_iter().filter(|label| label.ends_with("PRIVATE KEY"));
        let keys: Vec<_> = keys.collect();
        Some(matches!(keys[..], ["PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"]))
    };
    if private_key.as_ref().is_some_and(|text| one_key(text) != Some(true)) {
        notes.invalid(DATA.key(PRIVATE_KEY), "", "must hold one private key in PEM, not encrypted");
    }
    let key = read::key(&secret.metadata);
    let (certificate, private_key) =
        (certificate.unwrap_or_default(), private_key.unwrap_or_default());
    notes.or(Some(TlsSecret { key, certificate, private_key }))
}

/// One value as text; plain ones replace encoded ones.
fn value(secret: &api::Secret, name: &str, notes: &mut Notes) -> Option<Arc<str>> {
    if let Some(text) = secret.string_data.get(name) {
        return Some(text.as_str().into());
    }
    let at = DATA.key(name);
    let Some(encoded) = secret.data.get(name) else {
        notes.required(at, "a Secret of type kubernetes.io/tls has a certificate and its key");
        return None;
    };
    let Some(bytes) = syntax::base64(encoded) else {
        notes.invalid(at, "", "must be base64");
        return None;
    };
    // Bytes that are no text are no PEM either; that is said next.
    Some(String::from_utf8(bytes).unwrap_or_default().into())
}

/// The labels of a text's PEM blocks (RFC 7468); what stands between blocks is explanation. `None` when a block is
/// broken or there is a NUL.
fn blocks(text: &str) -> Option<Vec<&str>> {
    let mut labels = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let marked = |start: &str| line.strip_prefix(start)?.strip_suffix("-----");
        match (&mut open, marked("-----BEGIN "), marked("-----END ")) {
            (None, Some(label), _) => open = Some((label, String::new())),
            (Some((label, body)), None, Some(end)) if *label == end => {
                syntax::base64(body).filter(|bytes| !bytes.is_empty())?;
                labels.push(*label);
                open = None;
            }
            (_, Some(_), _) | (_, _, Some(_)) => return None,
            // Old forms have headers, such as `DEK-Info`, in an encrypted key: not for us.
            (Some((_, body)), None, None) => body.push_str(line),
            (None, None, None) if line.contains('\0') => return None,
            (None, None, None) => {}
        }
    }
    open.is_none().then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const CRT: &str =
        "issued to shop\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\r\nMIIB\r\n-----END PRIVATE KEY-----\r\n";

    /// Type and values of a Secret, and which fields are wrong with it.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Result<bool, &'a [&'a str]>);

    fn secret(kind: &str, values: &[(&str, &str)]) -> api::Secret {
        let mut secret = api::Secret { r#type: kind.into(), ..api::Secret::default() };
        secret.metadata.name = "web".into();
        secret.metadata.namespace = "shop".into();
        secret.string_data =
            values.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        secret
    }

    #[test]
    fn certificates_are_read_and_nothing_is_guessed() {
        let tls = "kubernetes.io/tls";
        let cut = &KEY[..40];
        let two = [KEY, KEY].concat();
        let cases: [Case<'_>; 10] = [
            ("whole", tls, &[("tls.crt", CRT), ("tls.key", KEY)], Ok(true)),
            ("of any type", "Opaque", &[("tls.crt", CRT), ("tls.key", KEY)], Ok(true)),
            ("something else", "Opaque", &[("tls.crt", CRT)], Ok(false)),
            ("nothing", tls, &[], Err(&["data[tls.crt]", "data[tls.key]"])),
            ("no key", tls, &[("tls.crt", CRT)], Err(&["data[tls.key]"])),
            (
                "swapped",
                tls,
                &[("tls.crt", KEY), ("tls.key", CRT)],
                Err(&["data[tls.crt]", "data[tls.key]"]),
            ),
            ("cut", tls, &[("tls.crt", CRT), ("tls.key", cut)], Err(&["data[tls.key]"])),
            ("two keys", tls, &[("tls.crt", CRT), ("tls.key", &two)], Err(&["data[tls.key]"])),
            (
                "no PEM",
                tls,
                &[("tls.crt", "x"), ("tls.key", "y")],
                Err(&["data[tls.crt]", "data[tls.key]"]),
            ),
            (
                "empty",
                tls,
                &[("tls.crt", ""), ("tls.key", "")],
                Err(&["data[tls.crt]", "data[tls.key]"]),
            ),
        ];
        for (name, kind, values, want) in cases {
            let came = tls_secret(&secret(kind, values));
            let came = came.map(|read| read.is_some()).map_err(|findings| {
                findings.into_iter().map(|finding| finding.path).collect::<Vec<_>>()
            });
            assert_eq!(
                came,
                want.map_err(|paths| paths.iter().map(|path| path.to_string()).collect()),
                "{name}"
            );
        }
    }

    #[test]
    fn values_are_base64_and_never_shown() {
        let mut encoded = secret("kubernetes.io/tls", &[("tls.crt", CRT)]);
        encoded.data.insert("tls.key".into(), "c2VjcmV0".into());
        let findings = tls_secret(&encoded).unwrap_err();
        assert!(!std::format!("{findings:?}").contains("secret\""), "{findings:?}");
        encoded.data.insert("tls.key".into(), "no base64!".into());
        assert_eq!(tls_secret(&encoded).unwrap_err()[0].message, "must be base64");
        let read = tls_secret(&secret("", &[("tls.crt", CRT), ("tls.key", KEY)])).unwrap().unwrap();
        assert!(!std::format!("{read:?}").contains("PRIVATE KEY"));
    }
}
