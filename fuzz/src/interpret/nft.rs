//! Reads `nft -f` input and carries it out.

use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};

use super::{Hook, Passed, Rules, Traveller};
use svckit::model::Family;

/// A hash of so many values is no slot but a client's name.
const NAMES: u64 = 100_000;

/// One table.
#[derive(Debug, Default)]
pub(crate) struct Nft {
    sets: HashMap<String, Set>,
    /// A rule is split into words when a packet comes by.
    chains: HashMap<String, Vec<String>>,
    /// The chains that packets enter by: where, and in which order.
    bases: Vec<(Hook, i32, String)>,
}

/// A set or map.
#[derive(Debug, Default)]
struct Set {
    elements: HashMap<String, String>,
    /// Elements with a range in them, in pieces.
    ranges: Vec<Vec<String>>,
    /// Whether the kernel fills it.
    dynamic: bool,
}

/// Where a packet goes after a rule or chain.
#[derive(Clone, Debug)]
enum Flow {
    Next,
    Return,
    Accept,
    Drop,
    Reject,
    Jump(String),
    Goto(String),
}

impl Nft {
    /// The table of a family in a text that replaces it.
    pub(crate) fn read(text: &str, family: Family) -> Self {
        let header = match family {
            Family::V4 => "table ip svckit {",
            Family::V6 => "table ip6 svckit {",
        };
        let mut table = Self::default();
        let mut lines = text.lines().skip_while(|line| line.trim() != header).skip(1);
        while let Some(line) = lines.next().filter(|line| line.trim() != "}") {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (kind, name) = match words[..] {
                [] => continue,
                [kind, name, "{"] => (kind, name.to_owned()),
                _ => panic!("unknown line: {line}"),
            };
            let mut depth = 1_i32;
            let mut body = Vec::new();
            while depth > 0 {
                let line = lines.next().expect("a block has an end").trim();
                let opens = line.matches('{').count() as i32 - line.matches('}').count() as i32;
                depth += opens;
                body.push(line);
            }
            body.pop();
            match kind {
                "set" | "map" => drop(table.sets.insert(name, Set::read(&body.join(" ")))),
                "chain" => table.read_chain(name, &body),
                _ => panic!("unknown block: {line}"),
            }
        }
        table.bases.sort();
        table
    }

    fn read_chain(&mut self, name: String, body: &[&str]) {
        let mut rules = Vec::new();
        for line in body {
            if line.starts_with("type ") {
                let words: Vec<&str> = line.split_whitespace().collect();
                let hook = match words[3] {
                    "prerouting" => Hook::Prerouting,
                    "input" => Hook::Input,
                    "forward" => Hook::Forward,
                    "output" => Hook::Output,
                    "postrouting" => Hook::Postrouting,
                    hook => panic!("unknown hook {hook}"),
                };
                let priority = words[5].trim_end_matches(';').parse().expect("a priority");
                self.bases.push((hook, priority, name.clone()));
            } else {
                rules.push((*line).to_owned());
            }
        }
        self.chains.insert(name, rules);
    }

    fn walk<'a>(&self, chain: &str, packet: Traveller<'a>) -> Vec<(Traveller<'a>, Flow)> {
        let rules = self.chains.get(chain).unwrap_or_else(|| panic!("no chain {chain}"));
        let mut done = Vec::new();
        let mut ways = vec![packet];
        for rule in rules {
            let words: Vec<&str> = rule.split_whitespace().collect();
            for packet in std::mem::take(&mut ways) {
                let cursor = Cursor { table: self, words: &words, place: 0 };
                for (packet, flow) in cursor.run(packet) {
                    self.follow(packet, flow, &mut ways, &mut done);
                }
            }
        }
        done.extend(ways.into_iter().map(|packet| (packet, Flow::Next)));
        done
    }

    fn follow<'a>(
        &self,
        packet: Traveller<'a>,
        flow: Flow,
        ways: &mut Vec<Traveller<'a>>,
        done: &mut Vec<(Traveller<'a>, Flow)>,
    ) {
        match flow {
            Flow::Next => ways.push(packet),
            Flow::Return => done.push((packet, Flow::Next)),
            Flow::Goto(chain) => done.extend(self.walk(&chain, packet)),
            Flow::Jump(chain) => {
                for (packet, flow) in self.walk(&chain, packet) {
                    match flow {
                        Flow::Next => ways.push(packet),
                        end => done.push((packet, end)),
                    }
                }
            }
            end => done.push((packet, end)),
        }
    }

    fn set(&self, name: &str) -> &Set {
        let name = name.trim_start_matches('@');
        self.sets.get(name).unwrap_or_else(|| panic!("no set {name}"))
    }

    /// What a set or map holds for a key; of a set, nothing in particular.
    fn find(&self, name: &str, key: &str, memory: &BTreeMap<String, String>) -> Option<String> {
        let set = self.set(name);
        if set.dynamic {
            return memory.get(&format!("{name} {key}")).cloned();
        }
        if let Some(value) = set.elements.get(key) {
            return Some(value.clone());
        }
        let pieces: Vec<&str> = key.split(" . ").collect();
        let inside = |(piece, want): (&&str, &String)| match (want.parse::<IpNet>(), piece.parse())
        {
            (Ok(range), Ok(addr)) => range.contains::<&std::net::IpAddr>(&addr),
            _ => *piece == want,
        };
        set.ranges.iter().any(|range| pieces.iter().zip(range).all(inside)).then(String::new)
    }
}

impl Set {
    fn read(body: &str) -> Self {
        let mut set = Self { dynamic: body.contains("dynamic"), ..Self::default() };
        let Some((_, elements)) = body.split_once("elements = {") else { return set };
        let elements = elements.trim().trim_end_matches('}');
        for element in elements.split(',').map(str::trim).filter(|element| !element.is_empty()) {
            let (key, value) = element.split_once(" : ").unwrap_or((element, ""));
            if key.contains('/') {
                set.ranges.push(key.split(" . ").map(String::from).collect());
            } else {
                let twice = set.elements.insert(key.to_owned(), value.to_owned());
                assert!(twice.is_none_or(|before| before == value), "{key} is there twice");
            }
        }
        set
    }
}

/// A rule, read from the left.
#[derive(Clone, Copy)]
struct Cursor<'r> {
    table: &'r Nft,
    words: &'r [&'r str],
    place: usize,
}

/// A packet that goes on in the rule, or what comes after it.
enum Step<'a> {
    On(Traveller<'a>),
    Out(Traveller<'a>, Flow),
}

impl<'r> Cursor<'r> {
    fn peek(&self) -> &'r str {
        self.words.get(self.place).copied().unwrap_or_default()
    }

    fn word(&mut self) -> &'r str {
        let word = self.peek();
        self.place += 1;
        word
    }

    /// Passes over these words if they come next.
    fn take(&mut self, words: &str) -> bool {
        let mut place = self.place;
        for word in words.split(' ') {
            if self.words.get(place) != Some(&word) {
                return false;
            }
            place += 1;
        }
        self.place = place;
        true
    }

    fn run<'a>(self, packet: Traveller<'a>) -> Vec<(Traveller<'a>, Flow)> {
        let mut done = Vec::new();
        let mut ways = vec![(self, packet)];
        while let Some((mut cursor, packet)) = ways.pop() {
            if cursor.place >= cursor.words.len() {
                done.push((packet, Flow::Next));
                continue;
            }
            for step in cursor.clause(packet) {
                match step {
                    Step::On(packet) => ways.push((cursor, packet)),
                    Step::Out(packet, flow) => done.push((packet, flow)),
                }
            }
        }
        done
    }

    /// A condition that holds or not.
    fn when(packet: Traveller<'_>, holds: bool) -> Vec<Step<'_>> {
        vec![if holds { Step::On(packet) } else { Step::Out(packet, Flow::Next) }]
    }

    fn clause<'a>(&mut self, mut packet: Traveller<'a>) -> Vec<Step<'a>> {
        let out = |packet, flow| vec![Step::Out(packet, flow)];
        // Only first packets travel here.
        if self.take("ct state new") || self.take("ct state != established") {
            return Self::when(packet, true);
        }
        if self.take("ct state != { established, related }") {
            return Self::when(packet, true);
        }
        if self.take("ct status dnat") {
            let holds = packet.translated;
            return Self::when(packet, holds);
        }
        if self.take("iifname != \"lo\"") {
            let holds = !packet.is_own();
            return Self::when(packet, holds);
        }
        if self.take("fib daddr type local") {
            let holds = packet.node.is_own(packet.to.ip());
            return Self::when(packet, holds);
        }
        if self.take("fib saddr type local") {
            let holds = packet.is_own();
            return Self::when(packet, holds);
        }
        if self.take("meta mark") {
            return self.mark(packet);
        }
        if self.take("meta priority set none") {
            packet.priority = 0;
            return vec![Step::On(packet)];
        }
        if self.take("meta priority set") {
            return self.each_key(packet, |table, map, key, mut packet| {
                match table.find(map, key, &packet.memory) {
                    Some(value) => {
                        packet.priority = number(&value);
                        Step::On(packet)
                    }
                    None => Step::Out(packet, Flow::Next),
                }
            });
        }
        match self.peek() {
            "dnat" => self.dnat(packet),
            "add" | "update" | "delete" => self.remember(packet),
            "jump" => out(packet, Flow::Jump(self.words[self.place + 1].to_owned())),
            "goto" => out(packet, Flow::Goto(self.words[self.place + 1].to_owned())),
            "return" => out(packet, Flow::Return),
            "accept" => out(packet, Flow::Accept),
            "drop" => out(packet, Flow::Drop),
            "reject" => out(packet, Flow::Reject),
            "masquerade" => {
                packet.masqueraded = true;
                out(packet, Flow::Accept)
            }
            _ => self.look_up(packet),
        }
    }

    fn mark<'a>(&mut self, mut packet: Traveller<'a>) -> Vec<Step<'a>> {
        let hexadecimal = |text: &str| {
            u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number in hexadecimal")
        };
        if self.take("set meta mark") {
            let or = self.word() == "|";
            let bits = hexadecimal(self.word());
            packet.mark = if or { packet.mark | bits } else { packet.mark ^ bits };
            return vec![Step::On(packet)];
        }
        assert_eq!(self.word(), "&", "{:?}", self.words);
        let bits = hexadecimal(self.word());
        assert!(self.take("!= 0"), "{:?}", self.words);
        let holds = packet.mark & bits != 0;
        Self::when(packet, holds)
    }

    /// `dnat ip to KEY map @map`.
    fn dnat<'a>(&mut self, packet: Traveller<'a>) -> Vec<Step<'a>> {
        self.place += 3;
        self.each_key(packet, |table, map, key, mut packet| {
            match table.find(map, key, &packet.memory) {
                Some(value) => {
                    let (addr, port) = value.split_once(" . ").expect("an address and port");
                    let (addr, port) = (addr.parse().expect("addr"), port.parse().expect("port"));
                    packet.to = std::net::SocketAddr::new(addr, port);
                    packet.translated = true;
                    Step::Out(packet, Flow::Accept)
                }
                None => Step::Out(packet, Flow::Next),
            }
        })
    }

    /// `KEY map @map`: `each` is called for each key that chance may make.
    fn each_key<'a>(
        &mut self,
        packet: Traveller<'a>,
        each: impl Fn(&Nft, &str, &str, Traveller<'a>) -> Step<'a>,
    ) -> Vec<Step<'a>> {
        let keys = self.key(&packet);
        assert_eq!(self.word(), "map", "{:?}", self.words);
        let map = self.word();
        keys.iter().map(|key| each(self.table, map, key, packet.clone())).collect()
    }

    /// `add @map { KEY timeout 60s : meta priority }` and its like.
    fn remember<'a>(&mut self, mut packet: Traveller<'a>) -> Vec<Step<'a>> {
        let verb = self.word();
        let map = self.word();
        assert_eq!(self.word(), "{");
        let keys = self.key(&packet);
        if self.take("timeout") {
            self.place += 1;
        }
        assert!(self.take(": meta priority }"), "{:?}", self.words);
        let [key] = &keys[..] else { panic!("chance in what is remembered: {:?}", self.words) };
        let name = format!("{map} {key}");
        match verb {
            "delete" => drop(packet.memory.remove(&name)),
            _ => drop(packet.memory.insert(name, handle(packet.priority))),
        }
        vec![Step::On(packet)]
    }

    /// `KEY @set`, `KEY != @set`, `KEY vmap @map`, or a value in the place of the set.
    fn look_up<'a>(&mut self, packet: Traveller<'a>) -> Vec<Step<'a>> {
        let keys = self.key(&packet);
        let [key] = &keys[..] else { panic!("chance in a condition: {:?}", self.words) };
        if self.take("vmap") {
            let verdict = self.table.find(self.word(), key, &packet.memory);
            let flow = verdict.map(|verdict| match verdict.split_once(' ') {
                Some(("goto", chain)) => Flow::Goto(chain.to_owned()),
                Some(("jump", chain)) => Flow::Jump(chain.to_owned()),
                None if verdict == "drop" => Flow::Drop,
                None if verdict == "return" => Flow::Return,
                _ => panic!("unknown verdict {verdict}"),
            });
            return vec![match flow {
                Some(flow) => Step::Out(packet, flow),
                None => Step::Out(packet, Flow::Next),
            }];
        }
        let not = self.take("!=");
        let want = self.word();
        let same = match (want.strip_prefix('@'), want.parse::<IpNet>()) {
            (Some(_), _) => self.table.find(want, key, &packet.memory).is_some(),
            (None, Ok(range)) => {
                key.parse().is_ok_and(|addr: std::net::IpAddr| range.contains(&addr))
            }
            _ => key == want,
        };
        Self::when(packet, same != not)
    }

    /// The keys that chance may make.
    fn key(&mut self, packet: &Traveller<'_>) -> Vec<String> {
        let mut keys = self.part(packet);
        while self.take(".") {
            let parts = self.part(packet);
            keys = keys
                .iter()
                .flat_map(|key| parts.iter().map(move |part| format!("{key} . {part}")))
                .collect();
        }
        keys
    }

    fn part(&mut self, packet: &Traveller<'_>) -> Vec<String> {
        let one = |value: String| vec![value];
        if self.take("ip saddr") || self.take("ip6 saddr") {
            return one(packet.source.to_string());
        }
        if self.take("ip daddr") || self.take("ip6 daddr") {
            return one(packet.to.ip().to_string());
        }
        if self.take("meta l4proto") {
            return one(packet.protocol.as_lower().into());
        }
        if self.take("th dport") {
            return one(packet.to.port().to_string());
        }
        if self.take("meta priority") {
            return one(handle(packet.priority));
        }
        if self.take("(meta priority &") {
            let mask = self.word().trim_start_matches("0x").trim_end_matches(')');
            let mask = u32::from_str_radix(mask, 16).expect("a mask in hexadecimal");
            return one(handle(packet.priority & mask));
        }
        if self.take("numgen random mod") || self.take("numgen inc mod") {
            return self.slots();
        }
        if self.take("jhash ip saddr mod") || self.take("jhash ip6 saddr mod") {
            if self.peek().parse::<u64>().is_ok_and(|values| values > NAMES) {
                self.slots_of(1);
                return one(format!("hash of {}", packet.source));
            }
            return self.slots();
        }
        panic!("unknown words: {:?} at {}", self.words, self.place)
    }

    fn slots(&mut self) -> Vec<String> {
        let count = self.peek().parse().expect("a number of slots");
        self.slots_of(count)
    }

    /// `3 seed 0x1 offset 65536`, of which so many slots count.
    fn slots_of(&mut self, count: u32) -> Vec<String> {
        self.place += 1;
        if self.take("seed") {
            self.place += 1;
        }
        let first: u32 =
            if self.take("offset") { self.word().parse().expect("an offset") } else { 0 };
        (first..first + count).map(|slot| slot.to_string()).collect()
    }
}

impl Rules for Nft {
    fn pass<'a>(&self, hook: Hook, packet: Traveller<'a>) -> Vec<(Traveller<'a>, Passed)> {
        let mut ends = Vec::new();
        let mut ways = vec![packet];
        for (_, _, chain) in self.bases.iter().filter(|base| base.0 == hook) {
            for packet in std::mem::take(&mut ways) {
                for (packet, flow) in self.walk(chain, packet) {
                    match flow {
                        Flow::Drop => ends.push((packet, Passed::Dropped)),
                        Flow::Reject => ends.push((packet, Passed::Rejected)),
                        _ => ways.push(packet),
                    }
                }
            }
        }
        ends.extend(ways.into_iter().map(|packet| (packet, Passed::On)));
        ends
    }
}

/// A number, as nft writes priorities: two halves in hexadecimal.
fn handle(number: u32) -> String {
    format!("{:x}:{:x}", number >> 16, number & 0xffff)
}

fn number(handle: &str) -> u32 {
    let (high, low) = handle.split_once(':').expect("two halves");
    let half = |text| u32::from_str_radix(text, 16).expect("a number in hexadecimal");
    half(high) << 16 | half(low)
}
