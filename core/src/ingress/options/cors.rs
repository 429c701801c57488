//! What browsers may do from other sites (the Fetch standard's CORS protocol).

use std_alloc::{sync::Arc, vec::Vec};

/// What browsers may do from other sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Sites that may ask; `*` stands for all, `https://*.example.com` for the sites below one.
    pub origins: Vec<Arc<str>>,
    /// The value of `Access-Control-Allow-Methods`.
    pub methods: Arc<str>,
    /// The value of `Access-Control-Allow-Headers`.
    pub headers: Arc<str>,
    /// The value of `Access-Control-Expose-Headers`; empty: none.
    pub expose: Arc<str>,
    /// Whether cookies may be sent along; never together with `*`.
    pub credentials: bool,
    /// Seconds for which an answer to a preflight request holds.
    pub max_age: u32,
}

impl Default for Cors {
    /// ingress-nginx's defaults, but for credentials, which it allows to every site.
    fn default() -> Self {
        Self {
            origins: Vec::from(["*".into()]),
            methods: "GET, PUT, POST, DELETE, PATCH, OPTIONS".into(),
            headers: "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,\
                      Content-Type,Range,Authorization"
                .into(),
            expose: "".into(),
            credentials: false,
            max_age: 1_728_000,
        }
    }
}

impl Cors {
    /// The value of `Access-Control-Allow-Origin` for a site; `None` when it may not ask.
    ///
    /// ```
    /// use svckit::ingress::Cors;
    ///
    /// let cors = Cors { origins: vec!["https://*.example.com".into()], ..Cors::default() };
    /// assert_eq!(cors.allows("https://shop.example.com"), Some("https://shop.example.com"));
    /// assert_eq!(cors.allows("https://example.com.evil.org"), None);
    /// assert_eq!(Cors::default().allows("https://any.org"), Some("*"));
    /// ```
    #[must_use]
    pub fn allows<'o>(&'o self, origin: &'o str) -> Option<&'o str> {
        let matching = |pattern: &Arc<str>| match pattern.split_once("*.") {
            _ if **pattern == *"*" => Some("*"),
            _ if **pattern == *origin => Some(origin),
            Some((scheme, parent)) => {
                let label = origin.strip_prefix(scheme)?.strip_suffix(parent)?.strip_suffix('.')?;
                let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                (!label.is_empty() && label.bytes().all(name)).then_some(origin)
            }
            None => None,
        };
        self.origins.iter().find_map(matching)
    }
}
