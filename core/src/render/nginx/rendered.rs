//! A whole configuration, and what tells two of them apart.

use core::fmt::{self, Write};
use std_alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{
    directive::{Arg, Body, Directive, Ident, Name, Text},
    write::write,
};
use crate::{
    finding::{Finding, Kind},
    model::{NamespacedName, TlsSecret},
};

/// A whole configuration for nginx; made by [`render`](super::render()).
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The main level, with an empty `http`.
    pub(super) frame: Vec<Directive>,
    /// What stands at the head of `http`.
    pub(super) http: Vec<Directive>,
    /// Tables of hosts, networks, headers.
    pub(super) tables: Vec<Directive>,
    /// Pods.
    pub(super) upstreams: Vec<Directive>,
    /// Hosts and their locations.
    pub(super) servers: Vec<Directive>,
    /// Tells which generation the workers serve.
    pub(super) marker: Option<Directive>,
    pub(super) files: Vec<File>,
    pub(super) findings: Vec<Finding>,
}

/// A certificate that the configuration names. Both files go into [`Config::certificates`](super::Config::certificates).
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub(super) secret: Arc<TlsSecret>,
    pub(super) number: u32,
}

/// In what two configurations differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Pods came or went.
    pub endpoints: bool,
    /// Certificates changed.
    pub tls: bool,
    /// Hosts, networks or splits changed within tables that are there.
    pub table_data: bool,
    /// Servers, locations or tables came, went or do something else.
    pub structure: bool,
}

/// The kind of a change: the most that a sink has to do for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing.
    Nothing,
    /// Only pods came or went.
    EndpointsOnly,
    /// Only certificates changed, perhaps pods.
    TlsOnly,
    /// The contents of tables changed, perhaps more of the above.
    TableData,
    /// Anything else.
    Structure,
}

impl Rendered {
    /// Writes `nginx.conf`.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> fmt::Result {
        write(&self.directives(), out)
    }

    /// The whole tree.
    #[must_use]
    pub fn directives(&self) -> Vec<Directive> {
        let mut main = self.frame.clone();
        let parts = [&self.http, &self.tables, &self.upstreams, &self.servers];
        let parts = || parts.into_iter().flatten().chain(&self.marker);
        for directive in &mut main {
            if directive.name == Name::Http {
                directive.body = Body::Block(parts().cloned().collect());
            }
        }
        main
    }

    /// Lets workers answer at this socket with a number, so that whoever reloads knows which configuration they have.
    ///
    /// It does not count as a difference.
    pub fn mark(&mut self, socket: Text, generation: u64) {
        let answer = [Arg::Int(200), Arg::Int(generation)];
        let inside = Vec::from([
            Directive::line(Name::Listen, [Arg::Socket(socket)]),
            Directive::block(
                Name::Location,
                [Arg::Word("/")],
                Vec::from([Directive::line(Name::Return, answer)]),
            ),
        ]);
        self.marker = Some(Directive::block(Name::Server, [], inside));
    }

    /// Certificates that the configuration names.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// What works elsewhere and nginx can't do.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Serves the names of a Secret without TLS, because nobody can use what is in it; the reason becomes a finding.
    ///
    /// nginx refuses a whole configuration for one certificate that it can't read. Whoever can read certificates says
    /// so before nginx sees them; the core can't.
    pub fn leave_out(&mut self, secret: &NamespacedName, why: &str) {
        let Some(at) = self.files.iter().position(|file| file.secret.key == *secret) else {
            return;
        };
        let number = self.files.remove(at).number;
        for server in &mut self.servers {
            without_certificate(server, number);
        }
        self.servers.retain(has_address);
        let message = format!("{why}; its hosts are served without TLS");
        let finding = Finding::warning(Kind::Invalid, "data", "", message);
        self.findings.push(Finding { object: format!("Secret {secret}"), ..finding });
    }

    /// In what this differs from an earlier configuration.
    #[must_use]
    pub fn difference(&self, before: &Self) -> Difference {
        let tables = shapes(&self.tables) != shapes(&before.tables);
        let servers = |rendered: &Self| rendered.servers.iter().map(nameless).collect::<Vec<_>>();
        let structure = self.frame != before.frame
            || self.http != before.http
            || tables
            || servers(self) != servers(before);
        Difference {
            endpoints: self.upstreams != before.upstreams,
            tls: self.files != before.files,
            table_data: self.tables != before.tables || self.servers != before.servers,
            structure,
        }
    }
}

impl Difference {
    /// The kind of the whole.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self { structure: true, .. } => Class::Structure,
            Self { table_data: true, .. } => Class::TableData,
            Self { tls: true, .. } => Class::TlsOnly,
            Self { endpoints: true, .. } => Class::EndpointsOnly,
            _ => Class::Nothing,
        }
    }
}

impl File {
    /// The Secret that it is made of.
    #[must_use]
    pub const fn secret(&self) -> &Arc<TlsSecret> {
        &self.secret
    }

    pub(super) const CERTIFICATE: &'static str = "sk_certificate";
    pub(super) const PRIVATE_KEY: &'static str = "sk_key";

    /// Names and contents of both files: the certificate, then its key, which only nginx's master may read.
    #[must_use]
    pub fn contents(&self) -> [(String, &str); 2] {
        let name = |stem| format!("{}.pem", Ident::of(stem, self.number));
        let TlsSecret { certificate, private_key, .. } = &*self.secret;
        [(name(Self::CERTIFICATE), &**certificate), (name(Self::PRIVATE_KEY), &**private_key)]
    }
}

/// Takes a certificate, and with it TLS, away from a server that has it.
fn without_certificate(server: &mut Directive, number: u32) {
    let Body::Block(inside) = &mut server.body else { return };
    let own = Ident::of(File::CERTIFICATE, number);
    let has = |arg: &Arg| matches!(arg, Arg::File(_, name) if *name == own);
    if !inside.iter().any(|directive| directive.args.iter().any(has)) {
        return;
    }
    inside.retain(|directive| match directive.name {
        Name::SslCertificate | Name::SslCertificateKey => false,
        Name::Listen => !directive.args.contains(&Arg::Word("ssl")),
        _ => true,
    });
}

/// Whether a server listens anywhere: one without an address would get nginx's own choice.
pub(super) fn has_address(server: &Directive) -> bool {
    let Body::Block(inside) = &server.body else { return false };
    inside.iter().any(|directive| directive.name == Name::Listen)
}

/// Tables without their contents.
fn shapes(tables: &[Directive]) -> Vec<Directive> {
    let empty = |table: &Directive| Directive { body: Body::None, ..table.clone() };
    tables.iter().map(empty).collect()
}

/// A server without its names.
fn nameless(server: &Directive) -> Directive {
    let mut server = server.clone();
    if let Body::Block(inside) = &mut server.body {
        inside.retain(|directive| directive.name != Name::ServerName);
    }
    server
}
