//! How the command ends.

use std::process::ExitCode;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done,
    /// The input has errors; all of them were reported, and what was good was used.
    Input,
    /// The command was called in a way it doesn't know.
    Usage,
    /// The system refused: no permission, port in use, a program missing.
    System,
    /// What a command that was run returned.
    Code(u8),
}

impl Exit {
    /// `Input` when there was an error in it.
    pub(crate) const fn of_input(errors: bool) -> Self {
        if errors { Self::Input } else { Self::Done }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Input => 1,
            Exit::Usage => 2,
            Exit::System => 3,
            Exit::Code(code) => code,
        })
    }
}

/// The system, or the caller, made it impossible to go on; the message says what to do.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Stop {
    /// The system refused.
    pub(crate) fn system(message: impl Into<String>) -> Self {
        Self { exit: Exit::System, message: message.into() }
    }

    /// The call was wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// The input is wrong as a whole.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { exit: Exit::Input, message: message.into() }
    }
}
