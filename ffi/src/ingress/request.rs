//! Requests as C has them.

use crate::{
    guard::{Done, many, text},
    svckit_ip, svckit_status, svckit_text,
};
use std::net::IpAddr;
use svckit::ingress::RequestHead;

/// The size of a body that is not known.
pub const SVCKIT_BODY_UNKNOWN: u64 = u64::MAX;

/// One header of a request.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_header {
    /// Its name in lower case, without a colon.
    pub name: svckit_text,
    /// Its value.
    pub value: svckit_text,
}

/// A request as it arrived. Zero all of it before you fill it in: later versions may have more fields.
///
/// Its texts are lent for the call; NULL with 0 is empty.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_request {
    /// `GET`.
    pub method: svckit_text,
    /// `/path?query`, or one of the other forms.
    pub target: svckit_text,
    /// Values of all `Host` headers; for HTTP/2 also `:authority`, when they differ.
    pub hosts: *const svckit_text,
    /// How many there are.
    pub hosts_len: usize,
    /// Headers that options ask for: `origin`, `access-control-request-method`, `cookie`, those of canaries.
    pub headers: *const svckit_header,
    /// How many there are.
    pub headers_len: usize,
    /// Who asks.
    pub client: svckit_ip,
    /// The octets of its body, or `SVCKIT_BODY_UNKNOWN`.
    pub body_len: u64,
    /// A random number: chooses among versions.
    pub entropy: u64,
    /// It came encrypted, as far as that can be trusted.
    pub https: bool,
    /// HTTP/1.0 may leave the host out.
    pub http_1_0: bool,
}

/// A request whose pointers have been checked.
pub(crate) struct Read<'a> {
    method: &'a [u8],
    target: &'a [u8],
    hosts: Vec<&'a [u8]>,
    headers: Vec<(&'a str, &'a str)>,
    http_1_0: bool,
    pub(crate) client: IpAddr,
    pub(crate) body: Option<u64>,
    pub(crate) entropy: u64,
    pub(crate) https: bool,
}

impl svckit_request {
    /// # Safety
    ///
    /// Every text and list is NULL with 0, or readable and written by nobody for as long as the result lives.
    pub(crate) unsafe fn read<'a>(&self) -> Result<Read<'a>, svckit_status> {
        // SAFETY: promised by the caller.
        let bytes = |text: svckit_text| unsafe { many::<u8>(text.data, text.len) };
        // SAFETY: promised by the caller.
        let (hosts, headers) =
            unsafe { (many(self.hosts, self.hosts_len)?, many(self.headers, self.headers_len)?) };
        let mut read = Read {
            method: bytes(self.method)?,
            target: bytes(self.target)?,
            hosts: hosts.iter().map(|host| bytes(*host)).collect::<Result<_, _>>()?,
            headers: Vec::new(),
            http_1_0: self.http_1_0,
            client: self.client.into(),
            body: Some(self.body_len).filter(|len| *len != SVCKIT_BODY_UNKNOWN),
            entropy: self.entropy,
            https: self.https,
        };
        headers.iter().try_for_each(|header: &svckit_header| -> Done {
            let svckit_header { name, value } = header;
            // SAFETY: promised by the caller.
            let name = unsafe { text(name.data, name.len) }?;
            // A value that isn't UTF-8 equals nothing that an Ingress can ask for.
            // SAFETY: promised by the caller.
            match unsafe { text(value.data, value.len) } {
                Ok(value) => read.headers.push((name, value)),
                Err(svckit_status::InvalidArgument) => {}
                Err(status) => return Err(status),
            }
            Ok(())
        })?;
        Ok(read)
    }
}

impl<'a> Read<'a> {
    /// The parts that choose a route.
    pub(crate) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.method,
            target: self.target,
            hosts: &self.hosts,
            http_1_0: self.http_1_0,
        }
    }

    pub(crate) const fn method(&self) -> &'a [u8] {
        self.method
    }

    /// The value of a header by its name in lower case; the first one, if there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }
}
