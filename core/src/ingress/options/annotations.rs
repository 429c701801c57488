//! Annotations into options, and what is wrong with them.

use core::time::Duration;
use std_alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{
    Canary, CookieAffinity, Cors, PodProtocol, RateLimit, Redirect, RouteOptions,
    sources::networks, values,
};
use crate::{
    finding::{Finding, Kind},
    ingress::PathPolicy,
    model::Ingress,
};

/// What all these annotations start with.
const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// Annotations that only tune another proxy's buffers and logs: nothing that a client sees depends on them.
const HARMLESS: [&str; 11] = [
    "client-body-buffer-size",
    "enable-access-log",
    "enable-rewrite-log",
    "proxy-buffer-size",
    "proxy-buffering",
    "proxy-buffers-number",
    "proxy-busy-buffers-size",
    "proxy-http-version",
    "proxy-max-temp-file-size",
    "proxy-request-buffering",
    "preserve-trailing-slash",
];

/// Reads the annotations of an Ingress; `plain` are the options of one that has none.
pub(in crate::ingress) fn read(
    ingress: &Ingress,
    plain: &Arc<RouteOptions>,
) -> (Arc<RouteOptions>, Vec<Finding>) {
    if !ingress.annotations.iter().any(|(key, _)| key.starts_with(PREFIX)) {
        return (plain.clone(), Vec::new());
    }
    let given = |(key, value): &(Arc<str>, Arc<str>)| {
        Some((Arc::<str>::from(key.strip_prefix(PREFIX)?), value.clone()))
    };
    let given: Vec<_> = ingress.annotations.iter().filter_map(given).collect();
    let mut reader = Reader {
        given: &given,
        options: RouteOptions::default(),
        findings: Vec::new(),
        closed: false,
        tls: !ingress.tls.is_empty(),
    };
    for (name, value) in &given {
        let read = reader.limits(name, value)
            || reader.redirects(name, value)
            || reader.paths(name, value)
            || reader.access(name, value)
            || reader.upstream(name, value)
            || name.starts_with("cors-")
            || name.starts_with("canary-")
            || name.starts_with("session-cookie-")
            || (name.starts_with("limit-r") && !name.starts_with("limit-rate"))
            || matches!(
                &**name,
                "affinity" | "affinity-mode" | "limit-burst-multiplier" | "limit-connections"
            )
            || HARMLESS.contains(&&**name);
        if !read {
            reader.unsupported(name, value);
        }
    }
    reader.cors();
    reader.canary();
    reader.affinity();
    reader.rates();
    reader.concurrency();
    if reader.closed {
        reader.options.sources.allow = Some(Vec::new());
    }
    (Arc::new(reader.options), reader.findings)
}

/// Reads one Ingress.
struct Reader<'a> {
    given: &'a [(Arc<str>, Arc<str>)],
    options: RouteOptions,
    findings: Vec<Finding>,
    /// Somebody is to be kept out, and it can't be told who.
    closed: bool,
    /// Some host has a certificate.
    tls: bool,
}

impl Reader<'_> {
    /// Each of these says whether the annotation is its own.
    fn limits(&mut self, name: &str, value: &str) -> bool {
        let limits = &mut self.options.limits;
        let (read, rule) = match name {
            "proxy-body-size" => {
                limits.max_body = values::size(value);
                (limits.max_body.is_some(), "must be a size such as 8m; 0 is no limit")
            }
            "proxy-connect-timeout" | "proxy-read-timeout" | "proxy-send-timeout" => {
                let time = values::seconds(value);
                match name {
                    "proxy-connect-timeout" => limits.connect = time,
                    "proxy-read-timeout" => limits.read = time,
                    _ => limits.send = time,
                }
                (time.is_some(), "must be a number of seconds from 1 to 86400")
            }
            _ => return false,
        };
        if !read {
            self.invalid(name, value, rule);
        }
        true
    }

    fn redirects(&mut self, name: &str, value: &str) -> bool {
        match name {
            "permanent-redirect" => self.redirect(name, value, "permanent-redirect-code", 301),
            // The permanent one wins when both are there.
            "temporal-redirect" if self.text("permanent-redirect").is_none() => {
                self.redirect(name, value, "temporal-redirect-code", 302);
            }
            "temporal-redirect" | "permanent-redirect-code" | "temporal-redirect-code" => {}
            "ssl-redirect" | "force-ssl-redirect" => {
                // Without a certificate there is nowhere to send anybody, unless something in front has one.
                if self.flag(name, value) && (self.tls || name == "force-ssl-redirect") {
                    self.options.https = Some(308);
                }
            }
            "app-root" => match PathPolicy::default().rule(value) {
                Ok(path) => {
                    self.options.app_root = String::from_utf8(path).ok().map(|path| path.into());
                }
                Err(_) => self.invalid(name, value, "must be a path"),
            },
            _ => return false,
        }
        true
    }

    fn redirect(&mut self, name: &str, value: &str, code: &str, usual: u16) {
        let status = match self.text(code) {
            None => Some(usual),
            Some(text) => values::number(&text).and_then(|status| u16::try_from(status).ok()),
        };
        let Some(redirect) = status.and_then(|status| Redirect::new(status, value)) else {
            self.invalid(name, value, "must be an http(s) URL or a path, its code from 300 to 308");
            return;
        };
        self.options.redirect = Some(redirect);
    }

    fn paths(&mut self, name: &str, value: &str) -> bool {
        match name {
            "use-regex" => self.options.use_regex = self.flag(name, value),
            "rewrite-target" if value.starts_with('/') && values::is_visible(value) => {
                self.options.rewrite_target = Some(value.into());
            }
            "rewrite-target" => self.invalid(name, value, "must be a path"),
            _ => return false,
        }
        true
    }

    fn access(&mut self, name: &str, value: &str) -> bool {
        let sources = &mut self.options.sources;
        match name {
            "whitelist-source-range" | "allowlist-source-range" | "denylist-source-range" => {
                let (nets, bad) = networks(value);
                if name.starts_with("deny") {
                    sources.deny.extend(nets);
                } else {
                    sources.allow.get_or_insert_default().extend(nets);
                }
                if !bad.is_empty() && name.starts_with("deny") {
                    self.closed = true;
                }
                for item in bad {
                    let rule = "must be an address or a network; until then fewer are let in";
                    self.invalid(name, item, rule);
                }
            }
            _ if name.starts_with("auth-") => {
                self.options.needs_auth.get_or_insert_with(|| name.into());
                if matches!(name, "auth-type" | "auth-url" | "auth-tls-secret") {
                    let hint = "is not asked for here: requests are refused rather than let in";
                    self.warn(Kind::NotSupported, name, value, hint);
                }
            }
            _ => return false,
        }
        true
    }

    fn upstream(&mut self, name: &str, value: &str) -> bool {
        match name {
            "upstream-vhost" | "x-forwarded-prefix" if values::is_visible(value) => {
                let field = match name {
                    "upstream-vhost" => &mut self.options.upstream_host,
                    _ => &mut self.options.forwarded_prefix,
                };
                *field = Some(value.into());
            }
            "upstream-vhost" | "x-forwarded-prefix" => {
                self.invalid(name, value, "must be visible ASCII characters");
            }
            "backend-protocol" => match value.to_ascii_uppercase().as_str() {
                "HTTP" | "AUTO_HTTP" | "" => {}
                "GRPC" => self.options.protocol = PodProtocol::H2c,
                "HTTPS" => self.options.protocol = PodProtocol::Https,
                "GRPCS" => self.options.protocol = PodProtocol::H2,
                _ => {
                    let hint = "only HTTP, HTTPS, GRPC and GRPCS are spoken to pods";
                    self.warn(Kind::NotSupported, name, value, hint);
                }
            },
            "from-to-www-redirect" => self.options.www = self.flag(name, value),
            _ => return false,
        }
        true
    }

    fn cors(&mut self) {
        if !self.is_on("enable-cors") {
            return;
        }
        let mut cors = Cors::default();
        if let Some(origins) = self.text("cors-allow-origin") {
            cors.origins = values::list(&origins).map(Arc::from).collect();
        }
        let headers = [
            ("cors-allow-methods", &mut cors.methods),
            ("cors-allow-headers", &mut cors.headers),
            ("cors-expose-headers", &mut cors.expose),
        ];
        for (name, field) in headers {
            let Some(text) = self.text(name) else { continue };
            if values::list(&text).all(values::is_token) {
                *field = text;
            } else {
                self.invalid(name, &text, "must be names with commas between them");
            }
        }
        if let Some(text) = self.text("cors-max-age") {
            match values::number(&text).and_then(|age| u32::try_from(age).ok()) {
                Some(age) => cors.max_age = age,
                None => self.invalid("cors-max-age", &text, "must be a number of seconds"),
            }
        }
        let all = cors.origins.iter().any(|origin| **origin == *"*");
        let asked = self.text("cors-allow-credentials");
        cors.credentials =
            !all && asked.as_deref().is_none_or(|text| values::flag(text) == Some(true));
        if let Some(text) = asked.filter(|text| all && values::flag(text) == Some(true)) {
            let hint =
                "cookies for every site would let any page act for its visitor: name the sites";
            self.warn(Kind::Forbidden, "cors-allow-credentials", &text, hint);
        }
        self.options.cors = Some(cors);
    }

    fn canary(&mut self) {
        if !self.is_on("canary") {
            return;
        }
        let mut canary =
            Canary { header_value: self.text("canary-by-header-value"), ..Canary::default() };
        let names =
            [("canary-by-header", &mut canary.header), ("canary-by-cookie", &mut canary.cookie)];
        for (annotation, field) in names {
            match self.text(annotation) {
                Some(text) if Canary::is_name(&text) => *field = Some(text),
                Some(text) => self.invalid(annotation, &text, "must be a name"),
                None => {}
            }
        }
        canary.header = canary.header.map(|name| name.to_ascii_lowercase().into());
        if let Some(weight) = self.text("canary-weight") {
            let total = self.text("canary-weight-total").unwrap_or_else(|| "100".into());
            match Canary::parts(&weight, &total) {
                Some(parts) => canary.per_million = parts,
                None => self.invalid("canary-weight", &weight, "must be a number"),
            }
        }
        if let Some(pattern) = self.text("canary-by-header-pattern") {
            let hint = "only whole values: use canary-by-header-value";
            self.warn(Kind::NotSupported, "canary-by-header-pattern", &pattern, hint);
        }
        self.options.canary = Some(canary);
    }

    fn affinity(&mut self) {
        let Some(kind) = self.text("affinity") else { return };
        if *kind != *"cookie" {
            self.warn(Kind::NotSupported, "affinity", &kind, "only \"cookie\" is known");
            return;
        }
        let mut affinity = CookieAffinity::default();
        for (name, value) in self.given {
            let Some(what) = name.strip_prefix("session-cookie-") else { continue };
            match affinity.read(what, value) {
                Some(true) => {}
                Some(false) => self.warn(Kind::NotSupported, name, value, "has no effect here"),
                None => self.invalid(name, value, "can't stand in a cookie"),
            }
        }
        self.options.affinity = Some(affinity);
    }

    fn rates(&mut self) {
        let multiplier = self.text("limit-burst-multiplier");
        let burst = multiplier.as_deref().map_or(Some(5), |text| self.whole(text));
        if let (None, Some(text)) = (burst, multiplier) {
            self.invalid("limit-burst-multiplier", &text, "must be a number");
        }
        for (name, time) in [("limit-rps", 1), ("limit-rpm", 60)] {
            let Some(text) = self.text(name) else { continue };
            let rate = self.whole(&text).and_then(|requests| {
                RateLimit::new(requests, Duration::from_secs(time), burst.unwrap_or(5))
            });
            match rate {
                Some(rate) => self.options.rates.push(rate),
                None => self.invalid(name, &text, "must be a number above zero"),
            }
        }
    }

    fn concurrency(&mut self) {
        let Some(text) = self.text("limit-connections") else { return };
        self.options.concurrency = self.whole(&text).filter(|most| *most > 0);
        if self.options.concurrency.is_none() {
            self.invalid("limit-connections", &text, "must be a number above zero");
        }
    }

    /// A number of things.
    fn whole(&self, text: &str) -> Option<u32> {
        values::number(text.trim()).and_then(|number| u32::try_from(number).ok())
    }

    fn unsupported(&mut self, name: &str, value: &str) {
        let hint = match name {
            "enable-cors" | "canary" => return,
            "configuration-snippet" | "server-snippet" | "stream-snippet" => {
                "pieces of nginx.conf are never taken from objects"
            }
            "upstream-hash-by" => {
                "use affinity: cookie, or sessionAffinity: ClientIP of the Service"
            }
            "load-balance" => "use the annotations of the Service",
            "service-upstream" => "requests go to pods, not to the cluster IP",
            "ssl-passthrough" => "expose the Service as a LoadBalancer instead",
            "default-backend" | "custom-http-errors" => "use spec.defaultBackend",
            _ => "has no effect here",
        };
        self.warn(Kind::NotSupported, name, value, hint);
    }

    /// The value of an annotation.
    fn text(&self, name: &str) -> Option<Arc<str>> {
        self.given.iter().find(|(given, _)| **given == *name).map(|(_, value)| value.clone())
    }

    fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| values::flag(&value) == Some(true))
    }

    fn flag(&mut self, name: &str, value: &str) -> bool {
        values::flag(value).unwrap_or_else(|| {
            self.invalid(name, value, "must be true or false");
            false
        })
    }

    fn invalid(&mut self, name: &str, value: &str, rule: &str) {
        self.warn(Kind::Invalid, name, value, rule);
    }

    fn warn(&mut self, kind: Kind, name: &str, value: &str, message: &str) {
        let field = format!("metadata.annotations[{PREFIX}{name}]");
        self.findings.push(Finding::warning(kind, field, value, message));
    }
}
