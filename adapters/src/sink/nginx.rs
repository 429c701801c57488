//! Runs an nginx that serves what the core rendered.
//!
//! ```text
//! Rendered ──write beside──▶ nginx.conf.new ──rename──▶ nginx.conf ──SIGHUP──▶ new workers ──answer──▶ confirmed
//! ```
//!
//! Each configuration carries its generation behind a socket of its own. A change is confirmed when a worker answers
//! with the new one; nginx keeps the old workers when it refuses a configuration, and says why in its log. nginx is
//! never run to find out whether a configuration is good: what it can't be told has been left out before.
//!
//! Certificates are read before nginx sees them; one that can't be used is left out with a finding, and so is one that
//! nginx refuses all the same. Neither keeps the others from being served.

mod judge;

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use svckit::{
    finding::Finding,
    render::nginx::{Class, Config, Rendered, Text},
};

pub use judge::Judge;

use crate::clock;

/// How long new workers may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait between two questions to the workers.
const PAUSE: Duration = Duration::from_millis(5);

/// A running nginx; it stops when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    program: PathBuf,
    directory: PathBuf,
    generation: u64,
    /// What the workers serve.
    serving: Option<Rendered>,
    judge: Judge,
    child: Option<Child>,
}

/// Why nginx doesn't serve what it should; it goes on serving what it did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NginxError {
    /// The program could not be started: install nginx, or name another program.
    #[error("can't run {}: {source}; is nginx installed?", program.display())]
    Run {
        /// What was to be run.
        program: PathBuf,
        /// Why it could not.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("can't write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it could not.
        source: io::Error,
    },
    /// nginx has refused the configuration.
    #[error("nginx refused the configuration: {0}")]
    Refused(String),
    /// No new worker has answered in time.
    #[error("nginx's new workers did not answer within {} s", PATIENCE.as_secs())]
    Late,
}

impl Nginx {
    /// Will run `nginx` with everything it writes in `directory`, which is made when it is not there.
    ///
    /// # Errors
    ///
    /// The directory can't be made, or its name can't be told to nginx.
    pub fn new(directory: impl Into<PathBuf>) -> Result<Self, NginxError> {
        Self::with_program("nginx", directory)
    }

    /// The same with another program.
    ///
    /// # Errors
    ///
    /// Those of [`Nginx::new`].
    pub fn with_program(
        program: impl Into<PathBuf>,
        directory: impl Into<PathBuf>,
    ) -> Result<Self, NginxError> {
        let directory = directory.into();
        let certificates = directory.join("certificates");
        fs::create_dir_all(&certificates).map_err(|source| write_error(&certificates, source))?;
        let directory =
            fs::canonicalize(&directory).map_err(|source| write_error(&directory, source))?;
        let program = program.into();
        Ok(Self {
            program,
            directory,
            generation: 0,
            serving: None,
            judge: Judge::default(),
            child: None,
        })
    }

    /// The configuration to render for: everything of `base`, in the directory of this nginx.
    ///
    /// # Errors
    ///
    /// The directory's name can't be told to nginx.
    pub fn config(&self, base: &Config) -> Result<Config, NginxError> {
        let mut config = base.clone();
        config.directory = Some(self.text(&self.directory)?);
        config.certificates = Some(self.text(&self.directory.join("certificates"))?);
        Ok(config)
    }

    /// Lets nginx serve this, and returns once new workers do; the class is what has changed since the last one.
    ///
    /// Costs nothing when nothing has changed. The first call starts nginx. After an error, the next call tries again.
    /// Certificates that can't be used are left out, and are [findings](Self::findings).
    ///
    /// # Errors
    ///
    /// Whatever keeps nginx from serving it; what it served before, it goes on serving.
    pub fn apply(&mut self, mut rendered: Rendered) -> Result<Class, NginxError> {
        self.judge.leave_out_bad(&mut rendered);
        loop {
            match self.serve(&rendered) {
                Ok(class) => return Ok(class),
                // Each time there is one less.
                Err(NginxError::Refused(why)) if self.judge.condemn(&mut rendered, &why) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What is wrong with what is served now.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.serving.as_ref().map_or(&[], Rendered::findings)
    }

    fn serve(&mut self, rendered: &Rendered) -> Result<Class, NginxError> {
        let running = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        let class = match &self.serving {
            Some(serving) if running => rendered.difference(serving).class(),
            _ => Class::Structure,
        };
        if class == Class::Nothing {
            return Ok(class);
        }
        self.generation += 1;
        for (name, text) in rendered.files().iter().flat_map(svckit::render::nginx::File::contents)
        {
            self.write(&Path::new("certificates").join(name), text)?;
        }
        let mut marked = rendered.clone();
        marked.mark(self.text(&self.socket())?, self.generation);
        let mut text = String::new();
        // A String takes any text.
        let _ = marked.write(&mut text);
        self.write(Path::new("nginx.conf"), &text)?;
        let said = fs::metadata(self.log()).map_or(0, |log| log.len());
        let old = if running { self.workers() } else { Vec::new() };
        if running {
            self.reload()?;
        } else {
            self.start()?;
        }
        self.confirm(said, &old)?;
        self.serving = Some(rendered.clone());
        Ok(class)
    }

    /// Asks nginx to finish what it is doing and stop, and waits for it.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
            // Only fails when it is gone already.
            let _ = kill_process(pid, Signal::TERM);
        }
        // Same.
        let _ = child.wait();
        self.serving = None;
    }

    /// Where nginx says what is wrong.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.join("error.log")
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("generation.sock")
    }

    fn start(&mut self) -> Result<(), NginxError> {
        // Left by one that was killed; nginx would take it for somebody else's.
        let _ = fs::remove_file(self.socket());
        let child = Command::new(&self.program)
            .arg("-p")
            .arg(&self.directory)
            .arg("-e")
            .arg(self.log())
            .arg("-c")
            .arg(self.directory.join("nginx.conf"))
            .args(["-g", "daemon off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| NginxError::Run { program: self.program.clone(), source })?;
        self.child = Some(child);
        Ok(())
    }

    fn reload(&self) -> Result<(), NginxError> {
        let pid = self.child.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed()));
        let gone = || NginxError::Run {
            program: self.program.clone(),
            source: io::Error::from(io::ErrorKind::NotFound),
        };
        kill_process(pid.ok_or_else(gone)?, Signal::HUP).map_err(|source| NginxError::Run {
            program: self.program.clone(),
            source: source.into(),
        })
    }

    /// Waits until a worker serves the newest generation and no old one takes requests any more; the log is read from
    /// `said` on.
    fn confirm(&mut self, said: u64, old: &[u32]) -> Result<(), NginxError> {
        let give_up = clock::now().saturating_add(PATIENCE);
        loop {
            let newest = self.serves().is_some_and(|generation| generation == self.generation);
            if newest && old.iter().all(|worker| is_leaving(*worker)) {
                return Ok(());
            }
            if let Some(why) = self.complaint(said) {
                return Err(NginxError::Refused(why));
            }
            let ended =
                self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                self.child = None;
                let last_words = self.complaint(said).unwrap_or_else(|| "it has stopped".into());
                return Err(NginxError::Refused(last_words));
            }
            if clock::now() > give_up {
                return Err(NginxError::Late);
            }
            thread::sleep(PAUSE);
        }
    }

    /// The processes that serve; empty where the kernel doesn't tell.
    fn workers(&self) -> Vec<u32> {
        let of_master =
            |master| fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
        let children = self.child.as_ref().and_then(|child| of_master(child.id()).ok());
        let children = children.unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// The generation that a worker serves.
    fn serves(&self) -> Option<u64> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.rsplit_once("\r\n\r\n")?.1.trim().parse().ok()
    }

    /// What nginx has said since then that keeps it from serving.
    fn complaint(&self, said: u64) -> Option<String> {
        let log = fs::read(self.log()).ok()?;
        let new = log.get(usize::try_from(said).ok()?..)?;
        let new = String::from_utf8_lossy(new);
        let line = new.lines().find(|line| line.contains("[emerg]"))?;
        Some(line.chars().take(1_000).collect())
    }

    /// Writes a file beside itself and puts it in place; keys are in some of them, so they are their owner's alone.
    fn write(&self, name: &Path, text: &str) -> Result<(), NginxError> {
        let path = self.directory.join(name);
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        let beside = path.with_extension("new");
        let options = || {
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)
        };
        let written = options().and_then(|mut file| file.write_all(text.as_bytes()));
        let placed = written.and_then(|()| fs::rename(&beside, &path));
        placed.map_err(|source| write_error(&path, source))
    }

    fn text(&self, path: &Path) -> Result<Text, NginxError> {
        let text = path.to_str().and_then(|path| Text::new(path).ok());
        let unusable = || write_error(path, io::Error::from(io::ErrorKind::InvalidFilename));
        text.ok_or_else(unusable)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a worker has stopped taking requests: nginx says so in its title.
fn is_leaving(worker: u32) -> bool {
    let title = fs::read(format!("/proc/{worker}/cmdline")).unwrap_or_default();
    title.is_empty() || String::from_utf8_lossy(&title).contains("shutting down")
}

fn write_error(path: &Path, source: io::Error) -> NginxError {
    NginxError::Write { path: path.into(), source }
}
