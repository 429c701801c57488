//! The parts of a lab, and how one starts another.
//!
//! A part that is started says `here` when it is in its network namespace. Its parent gives it a link and one line
//! of text, and it answers `ready` when it does what it is for.

use clap::ValueEnum;
use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::exit::{Exit, Stop};

/// A part of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Runs the command.
    Client,
    /// Has the kernel rules.
    Node,
    /// Serves one pod's ports.
    Pod,
}

const HERE: &str = "here";
const READY: &str = "ready";
const ROLE: &str = "--role=";

/// This program with the arguments it was started with, in another role.
pub(super) fn arguments(role: Role) -> Result<Vec<OsString>, Stop> {
    let program = env::current_exe().map_err(|error| Stop::system(error.to_string()))?;
    let name = role.to_possible_value().map_or_else(String::new, |value| value.get_name().into());
    let mut given = env::args_os().skip(1);
    let mut arguments = vec![program.into_os_string()];
    arguments.extend(given.next());
    arguments.push(format!("{ROLE}{name}").into());
    // The role that we have ourselves is the first that was given.
    arguments.extend(given.enumerate().filter_map(|(number, argument)| {
        let own = number == 0 && argument.to_string_lossy().starts_with(ROLE);
        (!own).then_some(argument)
    }));
    Ok(arguments)
}

/// A part in a network namespace of its own.
pub(super) struct Part {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Part {
    /// Starts it, and returns without waiting for it.
    pub(super) fn start(role: Role) -> Result<Self, Stop> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--"]).args(arguments(role)?);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Stop::system(format!("unshare: {error}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Stop::system("unshare: no pipes"));
        };
        Ok(Self { child, stdin, stdout: BufReader::new(stdout) })
    }

    /// Waits until it is in its namespace; returns its process number.
    pub(super) fn here(&mut self) -> Result<u32, Stop> {
        self.expect(HERE)?;
        Ok(self.child.id())
    }

    /// Hands it the one line that it waits for.
    pub(super) fn tell(&mut self, line: &str) -> Result<(), Stop> {
        writeln!(self.stdin, "{line}")
            .map_err(|error| Stop::system(format!("a part of the lab: {error}")))
    }

    /// Waits until it does what it is for.
    pub(super) fn ready(&mut self) -> Result<(), Stop> {
        self.expect(READY)
    }

    /// Waits for a line that it has to tell.
    pub(super) fn hear(&mut self) -> Result<String, Stop> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line);
        if read.is_ok() && !line.is_empty() {
            return Ok(line.trim_end().to_owned());
        }
        Err(self.failure())
    }

    fn expect(&mut self, word: &str) -> Result<(), Stop> {
        if self.hear()? == word { Ok(()) } else { Err(self.failure()) }
    }

    /// Why it doesn't say what it should.
    fn failure(&mut self) -> Stop {
        // It has told why on standard error, and it ends with the code for it.
        let code = self.child.wait().ok().and_then(|status| status.code());
        let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(3);
        Stop { exit: Exit::Code(code), message: "the lab did not come up".into() }
    }
}

/// What a part says to its parent.
pub(super) struct Parent;

impl Parent {
    /// Says that we are in our namespace, and waits for the line that follows.
    pub(super) fn here() -> Result<String, Stop> {
        say(HERE)?;
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(length) if length > 0 => Ok(line.trim_end().to_owned()),
            _ => Err(Stop::system("the lab has ended")),
        }
    }

    /// Tells one line.
    pub(super) fn tell(line: &str) -> Result<(), Stop> {
        say(line)
    }

    /// Says that we do what we are for.
    pub(super) fn ready() -> Result<(), Stop> {
        say(READY)
    }
}

fn say(word: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    writeln!(out, "{word}")
        .and_then(|()| out.flush())
        .map_err(|error| Stop::system(error.to_string()))
}
