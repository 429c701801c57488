//! `svckit resolve`: one question to the cluster's DNS, as a pod asks it.
//!
//! A resolver goes on along its search list after NXDOMAIN and after an empty answer (glibc); what the first name
//! with an answer says is the result.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::net::IpAddr;
use svckit::{
    cluster::Settings,
    dns::{Message, Mode, Name, Peer, Rcode, Record, Snapshot, Type, Zone, pointer_name},
};
use svckit_adapters::{clock, serve::dns::Upstream};

use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
    load::Loaded,
    pod_dns, report,
};

/// What `resolve` takes.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: svckit resolve webapp -f examples/walkthrough --from default/redis-master-0"
)]
pub(crate) struct Resolve {
    /// The name; or an address, whose names are asked for.
    name: String,
    /// The type of record, such as A, AAAA, SRV, PTR.
    #[arg(value_name = "TYPE")]
    qtype: Option<Type>,
    #[command(flatten)]
    input: Input,
    /// The pod that asks: its search list is walked.
    #[arg(long, value_name = "POD")]
    from: Option<String>,
    #[command(flatten)]
    host: pod_dns::HostFile,
    /// Whose rules are followed.
    #[arg(long, value_enum)]
    mode: Option<ModeName>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// A mode, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Strict,
    Coredns,
}

/// A reply, and the names that were asked for it.
struct Answered {
    question: (Name, Type),
    reply: Message,
    tried: Vec<String>,
}

impl Resolve {
    /// Asks, and prints what is said.
    pub(crate) fn run(&self) -> Result<Exit, Stop> {
        let loaded = Loaded::read(&self.input, Settings::default())?;
        let (names, qtype) = self.questions(loaded)?;
        let snapshot = self.snapshot(loaded);
        let upstream = Upstream::from(&loaded.cluster.control().settings().upstream_dns);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Stop::system(format!("can't start: {error}")))?;
        let client = self.client(loaded)?;
        let asker = Asker { snapshot: &snapshot, upstream: &upstream, client };
        let answered = runtime.block_on(asker.walk(&names, qtype))?;
        match self.output {
            Output::Json => println!("{}", answered.json()),
            Output::Yaml => {
                let text = serde_saphyr::to_string(&answered.json());
                print!("{}", text.map_err(|error| Stop::system(error.to_string()))?);
            }
            Output::Name => {
                answered.reply.answer.iter().for_each(|record| println!("{}", record.data))
            }
            Output::Table | Output::Wide => print!("{}", answered.text()),
        }
        report::print(&loaded.findings);
        Ok(Exit::of_input(report::has_errors(&loaded.findings)))
    }

    /// The names to ask for, in order, and the type.
    fn questions(&self, loaded: &mut Loaded) -> Result<(Vec<String>, Type), Stop> {
        if let (Ok(address), None) = (self.name.parse::<IpAddr>(), self.qtype) {
            return Ok((vec![pointer_name(address).to_string()], Type(12)));
        }
        let names = match &self.from {
            None => vec![self.name.clone()],
            Some(pod) => {
                let (conf, warnings) =
                    pod_dns::resolv_conf(loaded.cluster.control(), pod, &self.host)?;
                loaded.findings.extend(warnings);
                conf.tried(&self.name)
            }
        };
        Ok((names, self.qtype.unwrap_or(Type(1))))
    }

    /// The address that the questions come from.
    fn client(&self, loaded: &Loaded) -> Result<Option<IpAddr>, Stop> {
        match &self.from {
            Some(pod) => pod_dns::address(loaded.cluster.control(), pod),
            None => Ok(None),
        }
    }

    /// The cluster's names, by the rules that were asked for.
    fn snapshot(&self, loaded: &mut Loaded) -> Snapshot {
        let Some(mode) = self.mode else { return loaded.cluster.zone().snapshot() };
        let mut options = loaded.cluster.control().settings().naming();
        options.mode = match mode {
            ModeName::Strict => Mode::Strict,
            ModeName::Coredns => Mode::CoreDns,
        };
        let mut zone = Zone::new(options, clock::seed());
        loaded.changes.iter().for_each(|change| zone.apply(change));
        zone.snapshot()
    }
}

/// Whom to ask, and who asks.
struct Asker<'s> {
    snapshot: &'s Snapshot,
    upstream: &'s Upstream,
    /// The asking pod's address.
    client: Option<IpAddr>,
}

impl Asker<'_> {
    /// Asks for one name after the other until one has an answer.
    async fn walk(&self, names: &[String], qtype: Type) -> Result<Answered, Stop> {
        let mut tried = Vec::new();
        // What is said when no name has an answer: a name that exists without the type counts more than one that may
        // exist, and that one more than a name that doesn't.
        let rank = |reply: &Message| match reply.rcode {
            Rcode::NOERROR => 0,
            Rcode::NXDOMAIN => 2,
            _ => 1,
        };
        let mut best: Option<((Name, Type), Message)> = None;
        for text in names {
            let name: Name =
                text.parse().map_err(|error| Stop::usage(format!("{text:?}: {error}")))?;
            tried.push(name.to_string());
            let reply = self.ask(&name, qtype).await?;
            let question = (name, qtype);
            if reply.rcode == Rcode::NOERROR && !reply.answer.is_empty() {
                return Ok(Answered { question, reply, tried });
            }
            if best.as_ref().is_none_or(|(_, other)| rank(&reply) < rank(other)) {
                best = Some((question, reply));
            }
        }
        let (question, reply) = best.ok_or_else(|| Stop::usage("there is no name to ask for"))?;
        Ok(Answered { question, reply, tried })
    }

    async fn ask(&self, name: &Name, qtype: Type) -> Result<Message, Stop> {
        let message = Message::question(clock::entropy() as u16, name, qtype);
        let mut out = vec![0; usize::from(u16::MAX)];
        let peer = Peer { address: self.client, ..Peer::tcp(clock::entropy()) };
        let length = self.upstream.finish(self.snapshot, &message, peer, &mut out).await;
        Message::decode(out.get(..length).unwrap_or_default())
            .map_err(|error| Stop::system(format!("{name}: {error}")))
    }
}

impl Answered {
    fn json(&self) -> Value {
        let record = |record: &Record| {
            json!({
                "name": record.owner.to_string(),
                "ttl": record.ttl,
                "type": record.data.rtype().to_string(),
                "data": record.data.to_string(),
            })
        };
        let section = |records: &[Record]| records.iter().map(record).collect::<Vec<_>>();
        let (name, qtype) = &self.question;
        json!({
            "question": {"name": name.to_string(), "type": qtype.to_string()},
            "rcode": self.reply.rcode.to_string(),
            "aa": self.reply.authoritative,
            "tc": self.reply.truncated,
            "answer": section(&self.reply.answer),
            "authority": section(&self.reply.authority),
            "additional": section(&self.reply.additional),
            "tried": self.tried,
        })
    }

    /// As dig prints it, more or less.
    fn text(&self) -> String {
        let (name, qtype) = &self.question;
        let mut lines = vec![format!(";; {name} {qtype}: {}", self.reply.rcode)];
        if self.tried.len() > 1 {
            lines.push(format!(";; tried {}", self.tried.join(" ")));
        }
        for (title, records) in [
            ("", &self.reply.answer),
            ("authority", &self.reply.authority),
            ("additional", &self.reply.additional),
        ] {
            if !title.is_empty() && !records.is_empty() {
                lines.push(format!(";; {title}"));
            }
            lines.extend(records.iter().map(ToString::to_string));
        }
        lines.join("\n") + "\n"
    }
}
