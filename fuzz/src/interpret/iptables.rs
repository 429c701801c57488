//! Reads `iptables-restore` input and carries it out.

use std::collections::HashMap;

use super::{Hook, Passed, Rules, Traveller};

/// The rules of one family.
#[derive(Debug, Default)]
pub(crate) struct Iptables {
    /// By table and chain; a rule is split into words when a packet comes by.
    chains: HashMap<(String, String), Vec<String>>,
}

/// Where a packet goes after a rule or chain.
enum Flow {
    /// To the next rule.
    Next,
    /// Out of this chain.
    Return,
    /// Past the table's other rules.
    Accept,
    Drop,
    Reject,
}

impl Iptables {
    /// Takes an input over what is there, as `iptables-restore --noflush` does.
    pub(crate) fn restore(&mut self, input: &str) {
        let mut table = String::new();
        for line in input.lines() {
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (name, rule) = rest.split_once(' ').unwrap_or((rest, ""));
            let chain = |name: &str| (table.clone(), name.to_owned());
            match verb {
                "COMMIT" => {}
                "-A" => self.chain(chain(name)).push(rule.to_owned()),
                "-I" => self.chain(chain(name)).insert(0, rule.to_owned()),
                "-D" => {
                    let rules = self.chain(chain(name));
                    let place = rules.iter().position(|had| had == rule);
                    rules.remove(place.expect("a rule is deleted that isn't there"));
                }
                "-X" => {
                    let gone = self.chains.remove(&chain(name)).expect("no such chain");
                    assert!(gone.is_empty(), "{line}: it has rules");
                    let led = |rule: &String| rule.ends_with(&format!(" {name}"));
                    assert!(!self.chains.values().flatten().any(led), "{line}: rules lead there");
                }
                _ if verb.starts_with('*') => table = verb[1..].to_owned(),
                _ if verb.starts_with(':') => {
                    self.chains.insert(chain(&verb[1..]), Vec::new());
                }
                _ => panic!("unknown line: {line}"),
            }
        }
    }

    /// What `iptables-save` would print.
    pub(crate) fn save(&self) -> String {
        let mut lines: Vec<(&String, String)> = Vec::new();
        for ((table, chain), rules) in &self.chains {
            lines.push((table, format!(":{chain} - [0:0]")));
            for rule in rules {
                lines.push((table, format!("-A {chain} {rule}")));
            }
        }
        // The rules of a chain keep their order.
        lines.sort_by_key(|(table, _)| *table);
        let mut text = String::new();
        for of_table in lines.chunk_by(|a, b| a.0 == b.0) {
            text += &format!("*{}\n", of_table[0].0);
            of_table.iter().for_each(|(_, line)| text += &format!("{line}\n"));
            text += "COMMIT\n";
        }
        text
    }

    fn chain(&mut self, name: (String, String)) -> &mut Vec<String> {
        self.chains.entry(name).or_default()
    }

    fn walk<'a>(
        &self,
        table: &str,
        chain: &str,
        packet: Traveller<'a>,
    ) -> Vec<(Traveller<'a>, Flow)> {
        let name = (table.to_owned(), chain.to_owned());
        let Some(rules) = self.chains.get(&name) else { return vec![(packet, Flow::Next)] };
        let mut done = Vec::new();
        let mut ways = vec![packet];
        for rule in rules {
            let words = words(rule);
            for packet in std::mem::take(&mut ways) {
                for (packet, flow) in self.rule(table, &words, packet) {
                    match flow {
                        Flow::Next => ways.push(packet),
                        Flow::Return => done.push((packet, Flow::Next)),
                        end => done.push((packet, end)),
                    }
                }
            }
        }
        done.extend(ways.into_iter().map(|packet| (packet, Flow::Next)));
        done
    }

    fn rule<'a>(
        &self,
        table: &str,
        rule: &[&str],
        packet: Traveller<'a>,
    ) -> Vec<(Traveller<'a>, Flow)> {
        let (matched, mut missed) = (Match { words: rule, place: 0 }).run(packet);
        if let Some((packet, target)) = matched {
            missed.extend(self.target(table, target, packet));
        }
        missed
    }

    fn target<'a>(
        &self,
        table: &str,
        target: &[&str],
        mut packet: Traveller<'a>,
    ) -> Vec<(Traveller<'a>, Flow)> {
        let Some(name) = target.first() else { return vec![(packet, Flow::Next)] };
        let number = |text: &str| -> u32 {
            u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number in hexadecimal")
        };
        let flow = match *name {
            "ACCEPT" => Flow::Accept,
            "DROP" => Flow::Drop,
            "RETURN" => Flow::Return,
            "REJECT" => Flow::Reject,
            "MARK" => {
                assert_eq!(target[1], "--set-xmark");
                let (value, mask) = target[2].split_once('/').expect("value and mask");
                packet.mark = (packet.mark & !number(mask)) ^ number(value);
                Flow::Next
            }
            "MASQUERADE" => {
                packet.masqueraded = true;
                Flow::Accept
            }
            "DNAT" => {
                assert_eq!(target[1], "--to-destination");
                packet.to = target[2].parse().expect("an address and port");
                packet.translated = true;
                Flow::Accept
            }
            chain => {
                assert!(chain.starts_with("KUBE-"), "unknown target {chain}");
                let known = self.chains.contains_key(&(table.to_owned(), chain.to_owned()));
                assert!(known, "{table}: no chain {chain}");
                return self.walk(table, chain, packet);
            }
        };
        vec![(packet, flow)]
    }
}

/// The conditions of a rule.
struct Match<'r> {
    words: &'r [&'r str],
    place: usize,
}

/// A packet that met all conditions, with the target; and the ways on which it did not.
type Matched<'r, 'a> = (Option<(Traveller<'a>, &'r [&'r str])>, Vec<(Traveller<'a>, Flow)>);

impl<'r> Match<'r> {
    fn word(&mut self) -> Option<&'r str> {
        let word = self.words.get(self.place)?;
        self.place += 1;
        Some(word)
    }

    fn run<'a>(mut self, mut packet: Traveller<'a>) -> Matched<'r, 'a> {
        let mut missed = Vec::new();
        let mut not = false;
        while let Some(word) = self.word() {
            let holds = match word {
                "!" => {
                    not = true;
                    continue;
                }
                "-j" => return (Some((packet, &self.words[self.place..])), missed),
                // Only chance has two sides.
                "--probability" => {
                    self.place += 1;
                    missed.push((packet.clone(), Flow::Next));
                    true
                }
                _ => self.condition(word, &mut packet),
            };
            if holds == not {
                missed.push((packet, Flow::Next));
                return (None, missed);
            }
            not = false;
        }
        (Some((packet, &[])), missed)
    }

    /// One condition that isn't chance.
    fn condition(&mut self, word: &str, packet: &mut Traveller<'_>) -> bool {
        // All options but these have one argument.
        let argument = match word {
            "--rcheck" | "--reap" | "--rsource" | "--set" => "",
            _ => self.word().expect("an argument"),
        };
        let within = |addr: std::net::IpAddr| {
            argument.parse::<ipnet::IpNet>().expect("a range").contains(&addr)
        };
        match word {
            "-s" => within(packet.source),
            "-d" => within(packet.to.ip()),
            "-i" => (argument == "lo") == packet.is_own(),
            "-p" => argument == packet.protocol.as_lower(),
            "--dport" => argument == packet.to.port().to_string(),
            "--src-type" => packet.is_own(),
            "--dst-type" => packet.node.is_own(packet.to.ip()),
            "--mark" => packet.mark & 0x4000 != 0,
            // Only first packets travel here.
            "--ctstate" => match argument {
                "NEW" => true,
                "DNAT" => packet.translated,
                "INVALID" | "RELATED,ESTABLISHED" => false,
                state => panic!("unknown state {state}"),
            },
            "--rcheck" | "--set" => {
                let name = self.words.iter().skip_while(|word| **word != "--name").nth(1);
                let name = (*name.expect("a list's name")).to_owned();
                let known = packet.memory.contains_key(&name);
                if word == "--set" {
                    packet.memory.insert(name, String::new());
                }
                known || word == "--set"
            }
            "-m" | "--comment" | "--mode" | "--name" | "--mask" | "--seconds" | "--reap"
            | "--rsource" => true,
            option => panic!("unknown option {option}"),
        }
    }
}

impl Rules for Iptables {
    fn pass<'a>(&self, hook: Hook, packet: Traveller<'a>) -> Vec<(Traveller<'a>, Passed)> {
        let (name, tables) = match hook {
            Hook::Prerouting => ("PREROUTING", ["mangle", "nat"]),
            Hook::Input => ("INPUT", ["filter", ""]),
            Hook::Forward => ("FORWARD", ["filter", ""]),
            Hook::Output => ("OUTPUT", ["nat", "filter"]),
            Hook::Postrouting => ("POSTROUTING", ["nat", ""]),
        };
        let mut ends = Vec::new();
        let mut ways = vec![packet];
        for table in tables {
            for packet in std::mem::take(&mut ways) {
                for (packet, flow) in self.walk(table, name, packet) {
                    match flow {
                        Flow::Drop => ends.push((packet, Passed::Dropped)),
                        Flow::Reject => ends.push((packet, Passed::Rejected)),
                        Flow::Next | Flow::Return | Flow::Accept => ways.push(packet),
                    }
                }
            }
        }
        ends.extend(ways.into_iter().map(|packet| (packet, Passed::On)));
        ends
    }
}

/// The words of a rule; what stands in quotes is one word.
fn words(rule: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (n, part) in rule.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(part);
        } else {
            words.extend(part.split_whitespace());
        }
    }
    words
}
