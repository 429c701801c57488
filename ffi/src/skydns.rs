//! Names that stand in SkyDNS's records, as kube2sky wrote them to etcd.

use crate::{
    dns::{reply_to, written},
    guard::{Handle, Out, alone, free, make, many, one, opaque, shared, text},
    svckit_peer, svckit_reply, svckit_status,
};
use serde::Deserialize;
use svckit::dns::{Mode, Name, Outcome, Peer, SkyDns, SkyOptions, SkyRecord};

/// Names made of SkyDNS records.
///
/// May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
#[derive(Debug)]
pub struct svckit_skydns(Handle<SkyDns>);
opaque!(svckit_skydns, SkyDns);

/// Settings as they are written; what is left out has its default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Written {
    zones: Vec<String>,
    fallthrough: Vec<String>,
    prefix: Option<String>,
    ttl: Option<u32>,
    #[serde(rename = "negativeTTL")]
    negative_ttl: Option<u32>,
    priority: Option<u16>,
    shallow: bool,
    mode: Option<String>,
    udp_ceiling: Option<u16>,
    server_addresses: Vec<std::net::IpAddr>,
}

impl Written {
    fn options(&self) -> Option<SkyOptions> {
        let names = |texts: &[String]| -> Option<Vec<Name>> {
            texts.iter().map(|text| text.parse().ok()).collect()
        };
        let mut options = SkyOptions::new(names(&self.zones)?);
        options.fallthrough = names(&self.fallthrough)?;
        if let Some(prefix) = &self.prefix {
            options.prefix.clone_from(prefix);
        }
        options.ttl = self.ttl.unwrap_or(options.ttl);
        options.negative_ttl = self.negative_ttl.unwrap_or(options.negative_ttl);
        options.priority = self.priority.unwrap_or(options.priority);
        options.shallow = self.shallow;
        options.udp_ceiling = self.udp_ceiling.unwrap_or(options.udp_ceiling);
        options.server_addresses.clone_from(&self.server_addresses);
        options.mode = match self.mode.as_deref() {
            None | Some("strict") => Mode::Strict,
            Some("coredns") => Mode::CoreDns,
            Some(_) => return None,
        };
        Some(options)
    }
}

/// Creates names without records.
///
/// `options` are JSON: `zones` and `fallthrough` are lists of names; `prefix` is what all keys start with (default
/// `/skydns`); `ttl`, `negativeTTL`, `priority` and `udpCeiling` are numbers; `shallow` is true or false; `mode` is
/// `strict` or `coredns`; `serverAddresses` is a list of addresses. On `SVCKIT_STATUS_OK` the caller owns
/// `*skydns_out` and must give it to `svckit_skydns_free`. `SVCKIT_STATUS_INVALID_ARGUMENT`: an option can't be used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_skydns_new(
    options: *const u8,
    options_len: usize,
    skydns_out: *mut *mut svckit_skydns,
) -> svckit_status {
    let body = || {
        // SAFETY: the header asks for `options_len` readable bytes.
        let json = unsafe { many(options, options_len) }?;
        let written: Option<Written> = match json {
            [] => Some(Written::default()),
            json => serde_json::from_slice(json).ok(),
        };
        let options = written.and_then(|written| written.options());
        options.map(SkyDns::new).ok_or(svckit_status::InvalidArgument)
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(skydns_out, body) }
}

/// Ends names. NULL is fine; so are poisoned ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_skydns_free(skydns: *mut svckit_skydns) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(skydns) }
}

/// Puts a record under a key such as `/skydns/local/cluster/svc/shop/web`, in place of what was there. `value` is its
/// JSON, such as `{"host": "10.0.0.1", "port": 80}`; `lease_seconds` is what its lease has left, 0 for none.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the value can't be read. `SVCKIT_STATUS_OUT_OF_RANGE`: the key is no name's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_skydns_put(
    skydns: *mut svckit_skydns,
    key: *const u8,
    key_len: usize,
    value: *const u8,
    value_len: usize,
    lease_seconds: u32,
) -> svckit_status {
    let body = |names: &mut SkyDns| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (key, value) = unsafe { (text(key, key_len)?, many(value, value_len)?) };
        let record: SkyRecord =
            serde_json::from_slice(value).map_err(|_| svckit_status::InvalidArgument)?;
        let lease = Some(lease_seconds).filter(|seconds| *seconds > 0);
        if names.put(key, record, lease) { Ok(()) } else { Err(svckit_status::OutOfRange) }
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(skydns, body) }
}

/// Takes the record under a key away. `SVCKIT_STATUS_NOT_FOUND`: there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_skydns_remove(
    skydns: *mut svckit_skydns,
    key: *const u8,
    key_len: usize,
) -> svckit_status {
    let body = |names: &mut SkyDns| {
        // SAFETY: the header asks for a readable text.
        let key = unsafe { text(key, key_len) }?;
        if names.remove(key) { Ok(()) } else { Err(svckit_status::NotFound) }
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(skydns, body) }
}

/// Says that all records have been put once: until then missing names answer SERVFAIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_skydns_sync(skydns: *mut svckit_skydns) -> svckit_status {
    let body = |names: &mut SkyDns| {
        names.set_synced();
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(skydns, body) }
}

/// Answers one DNS message, as `svckit_zone_answer`. Names that lead elsewhere are not followed: the alias is the
/// answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_skydns_answer(
    skydns: *const svckit_skydns,
    message: *const u8,
    message_len: usize,
    peer: *const svckit_peer,
    buf: *mut u8,
    cap: usize,
    reply_out: *mut svckit_reply,
) -> svckit_status {
    let body = |names: &SkyDns| {
        // SAFETY: the header asks for a readable message and peer, for `cap` octets that nobody else uses, and for
        // room for one reply.
        let (message, peer, buf, out) = unsafe {
            let message = many(message, message_len)?;
            (message, Peer::from(one(peer)?), written(buf, cap)?, Out::new(reply_out)?)
        };
        let mut outcome = names.answer(message, peer, buf);
        while let Outcome::NeedUpstream(need) = &outcome {
            outcome = names.complete(message, peer, need, None, buf);
        }
        out.set(reply_to(&outcome));
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(skydns, body) }
}
