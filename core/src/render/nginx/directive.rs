//! nginx's configuration as a tree of typed pieces.
//!
//! There is no variant for ready-made text, so nothing that comes from an object can become a directive: names of
//! directives are an enum, names of upstreams and variables are a fixed stem and a number, and whatever a user wrote is
//! a [`Text`], which [`write`](super::write()) quotes. How a tree is nested depends on how many hosts, paths and options
//! there are, never on what they are called.

use core::net::SocketAddr;
use ipnet::IpNet;
use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

macro_rules! names {
    ($($variant:ident $text:literal,)*) => {
        /// A directive that the renderer uses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl Name {
            /// As nginx writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

names! {
    AbsoluteRedirect "absolute_redirect",
    AccessLog "access_log",
    AddHeader "add_header",
    AuthBasic "auth_basic",
    ClientBodyTempPath "client_body_temp_path",
    ClientMaxBodySize "client_max_body_size",
    Events "events",
    FastcgiTempPath "fastcgi_temp_path",
    ErrorLog "error_log",
    ErrorPage "error_page",
    Geo "geo",
    GrpcConnectTimeout "grpc_connect_timeout",
    GrpcNextUpstream "grpc_next_upstream",
    GrpcNextUpstreamTries "grpc_next_upstream_tries",
    GrpcPass "grpc_pass",
    GrpcReadTimeout "grpc_read_timeout",
    GrpcSendTimeout "grpc_send_timeout",
    GrpcSetHeader "grpc_set_header",
    Hash "hash",
    Http "http",
    Http2 "http2",
    If "if",
    IgnoreInvalidHeaders "ignore_invalid_headers",
    Keepalive "keepalive",
    KeepaliveTimeout "keepalive_timeout",
    LimitConn "limit_conn",
    LimitConnStatus "limit_conn_status",
    LimitConnZone "limit_conn_zone",
    LimitReq "limit_req",
    LimitReqStatus "limit_req_status",
    LimitReqZone "limit_req_zone",
    Listen "listen",
    Location "location",
    Map "map",
    MapHashBucketSize "map_hash_bucket_size",
    MapHashMaxSize "map_hash_max_size",
    MergeSlashes "merge_slashes",
    Pid "pid",
    ProxyBuffering "proxy_buffering",
    ProxyConnectTimeout "proxy_connect_timeout",
    ProxyHttpVersion "proxy_http_version",
    ProxyNextUpstream "proxy_next_upstream",
    ProxyNextUpstreamTries "proxy_next_upstream_tries",
    ProxyPass "proxy_pass",
    ProxyReadTimeout "proxy_read_timeout",
    ProxySendTimeout "proxy_send_timeout",
    ProxySetHeader "proxy_set_header",
    ProxyTempPath "proxy_temp_path",
    Return "return",
    Rewrite "rewrite",
    ScgiTempPath "scgi_temp_path",
    Server "server",
    ServerName "server_name",
    ServerNamesHashBucketSize "server_names_hash_bucket_size",
    ServerNamesHashMaxSize "server_names_hash_max_size",
    ServerTokens "server_tokens",
    Set "set",
    SplitClients "split_clients",
    SslCertificate "ssl_certificate",
    SslCertificateKey "ssl_certificate_key",
    SslRejectHandshake "ssl_reject_handshake",
    Sticky "sticky",
    Upstream "upstream",
    UwsgiTempPath "uwsgi_temp_path",
    VariablesHashMaxSize "variables_hash_max_size",
    WorkerConnections "worker_connections",
    WorkerProcesses "worker_processes",
    WorkerRlimitNofile "worker_rlimit_nofile",
    WorkerShutdownTimeout "worker_shutdown_timeout",
}

/// A directive with its arguments, and what stands in its braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Directive {
    /// What it is called.
    pub name: Name,
    /// What follows the name.
    pub args: Vec<Arg>,
    /// What stands in braces.
    pub body: Body,
}

/// What stands in a directive's braces.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// It has none.
    None,
    /// More directives.
    Block(Vec<Directive>),
    /// Lines of `map`, `geo` and `split_clients`.
    Table(Vec<Entry>),
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What is looked up.
    pub key: Key,
    /// What is found.
    pub value: Arg,
}

/// What is looked up in a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// What nothing else takes; `*` in `split_clients`.
    Default,
    /// The same for shares of clients.
    Rest,
    /// An empty value.
    Empty,
    /// A text, never one of the words that mean something to `map`. Upper and lower case are the same.
    Text(Text),
    /// A regular expression.
    Regex(Regex),
    /// Clients from there.
    Net(IpNet),
    /// So many hundredths of a percent of all.
    Share(u32),
    /// Something that was given a name here, perhaps one of its parts.
    Name(Ident, Option<u32>),
}

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A word of nginx's.
    Word(&'static str),
    /// Something that was given a name here.
    Name(Ident),
    /// The value of a variable.
    Var(Ident),
    /// A location that only other locations lead to.
    Internal(Ident),
    /// The value of a request's header.
    Header(FieldName),
    /// `if`'s condition: the variable is neither empty nor `0`.
    IsSet(Ident),
    /// A text where nginx looks for no variables.
    Text(Text),
    /// Text and variables where nginx looks for variables.
    Parts(Vec<Part>),
    /// A regular expression.
    Regex(Regex),
    /// A number.
    Int(u64),
    /// `word=number`, perhaps with a unit.
    Setting(&'static str, u64, &'static str),
    /// `word=name`, perhaps with a size in megabytes behind it.
    NameSetting(&'static str, Ident, Option<u32>),
    /// A time in milliseconds.
    Millis(u64),
    /// Address and port.
    Addr(SocketAddr),
    /// A socket of this machine, by its path.
    Socket(Text),
    /// A directory and something in it.
    Joined(Text, &'static str),
    /// A file that the renderer hands out; the directory it lies in and its name.
    File(Text, Ident),
}

/// A piece of an interpolated text.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A text of the renderer's own, without `$`.
    Fixed(&'static str),
    /// Somebody else's text; dollars in it stay dollars.
    Text(Text),
    /// The value of a variable.
    Var(Ident),
    /// Something that was given a name here.
    Name(Ident),
}

/// A name: a stem, and a number when there are several. The number comes first when the stem begins with `_`: where
/// nginx compares names with each other, they should differ at their first letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident {
    /// `sk_u`, or one of nginx's own such as `host`.
    pub stem: &'static str,
    /// Tells it from others of the same stem.
    pub number: Option<u32>,
}

/// A text that nginx's reader takes: no control characters, and not too long.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

/// Why nginx can't be told a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadText {
    /// A line break in a header would start another header.
    #[error("control characters can't be told to nginx")]
    Control,
    /// nginx reads 4096 octets at a time, and a word must fit.
    #[error("texts of more than {} octets can't be told to nginx", Text::LONGEST)]
    TooLong,
}

/// A regular expression that matches whole pieces of fixed form and texts as they are; it starts at the start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Regex {
    /// Case does not matter.
    pub ignore_case: bool,
    /// Its pieces.
    pub pieces: Box<[Piece]>,
}

/// A piece of a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// An expression of the renderer's own.
    Fixed(&'static str),
    /// A text that stands for itself.
    Literal(Text),
    /// A number.
    Number(u64),
}

impl Text {
    /// The most octets that a text may have; quotes and escapes may make it longer on paper, and still readable.
    pub const LONGEST: usize = 4000;

    /// A text that nginx's reader takes.
    ///
    /// # Errors
    ///
    /// See [`BadText`].
    ///
    /// ```
    /// use svckit::render::nginx::{BadText, Text};
    ///
    /// assert!(Text::new("/x { return 200; } location /evil {").is_ok(), "it will be quoted");
    /// assert_eq!(Text::new("v\r\nX-Evil: 1"), Err(BadText::Control));
    /// ```
    pub fn new(text: &str) -> Result<Self, BadText> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(BadText::Control);
        }
        // As a literal of a quoted regular expression, a character may take three octets more; a dollar becomes the
        // variable that holds one.
        let more = |byte: u8| match byte {
            b'$' => 11,
            _ if byte.is_ascii_alphanumeric() => 0,
            _ => 3,
        };
        if text.len() + text.bytes().map(more).sum::<usize>() > Self::LONGEST {
            return Err(BadText::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// `/`.
    pub(super) fn slash() -> Self {
        Self("/".into())
    }

    /// The text as it was.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A header's name that nginx can ask for: letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Arc<str>);

impl FieldName {
    /// A name in any case; `None` when nginx has no variable for it.
    ///
    /// ```
    /// use svckit::render::nginx::FieldName;
    ///
    /// assert!(FieldName::new("X-Canary").is_some());
    /// assert!(FieldName::new("x_canary").is_none(), "nginx drops headers with underscores");
    /// assert!(FieldName::new("a;").is_none());
    /// ```
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let fits = !name.is_empty() && name.len() <= 200 && name.bytes().all(good);
        fits.then(|| Self(name.to_ascii_lowercase().replace('-', "_").into()))
    }

    /// As the variable has it: in lower case, with underscores.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ident {
    /// The only one of its stem.
    #[must_use]
    pub const fn only(stem: &'static str) -> Self {
        Self { stem, number: None }
    }

    /// One of several.
    #[must_use]
    pub const fn of(stem: &'static str, number: u32) -> Self {
        Self { stem, number: Some(number) }
    }
}

impl Directive {
    /// A directive without braces.
    #[must_use]
    pub fn line(name: Name, args: impl Into<Vec<Arg>>) -> Self {
        Self { name, args: args.into(), body: Body::None }
    }

    /// A directive with others inside.
    #[must_use]
    pub fn block(name: Name, args: impl Into<Vec<Arg>>, block: Vec<Self>) -> Self {
        Self { name, args: args.into(), body: Body::Block(block) }
    }

    /// A table.
    #[must_use]
    pub fn table(name: Name, args: impl Into<Vec<Arg>>, entries: Vec<Entry>) -> Self {
        Self { name, args: args.into(), body: Body::Table(entries) }
    }
}
