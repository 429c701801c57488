//! A program to run: its output is streamed or read, its input is empty, its failure is a sentence.

use crate::programs;
use std::{
    ffi::OsStr,
    path::Path,
    process::{self, Stdio},
};

/// A program with its arguments.
pub(crate) struct Command(process::Command);

impl Command {
    /// The program called `program`, found in `PATH` or an administrator's folder.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = process::Command::new(program);
        command.stdin(Stdio::null());
        if let Ok(path) = std::env::join_paths(programs::folders()) {
            command.env("PATH", path);
        }
        Self(command)
    }

    /// The cargo that started us, with its arguments separated by blanks.
    pub(crate) fn cargo(words: &str) -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).words(words)
    }

    /// Adds arguments that are separated by blanks.
    pub(crate) fn words(self, words: &str) -> Self {
        self.args(words.split_whitespace())
    }

    /// Adds one argument.
    pub(crate) fn arg(self, argument: impl AsRef<OsStr>) -> Self {
        self.args([argument])
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it in `folder`.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Prints the command, runs it, and lets it write to our own output.
    pub(crate) fn run(mut self) -> Result<(), String> {
        let line = self.line();
        println!("$ {line}");
        let status = self.0.status().map_err(|error| format!("{line}: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
    }

    /// Runs it and returns what it prints; its complaints are streamed.
    pub(crate) fn read(mut self) -> Result<String, String> {
        let line = self.line();
        let output = self.0.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("{line}: {error}"))?;
        if !output.status.success() {
            return Err(format!("{line}: {}", output.status));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("{line}: printed bytes, not text"))
    }

    /// Whether it can be run and succeeds; nothing is printed.
    pub(crate) fn succeeds(mut self) -> bool {
        self.0.stdout(Stdio::null()).stderr(Stdio::null());
        self.0.status().is_ok_and(|status| status.success())
    }

    /// The command as one would type it, program without its folder.
    fn line(&self) -> String {
        let program = Path::new(self.0.get_program()).file_name().unwrap_or_default();
        let mut line = program.to_string_lossy().into_owned();
        for argument in self.0.get_args() {
            line.push(' ');
            line.push_str(&argument.to_string_lossy());
        }
        line
    }
}
