//! A Go that is new enough, where the system's is not.
//!
//! Debian 12 has Go 1.19. Any Go can fetch a newer one as a module, which is checked against Go's database of
//! checksums; what is unpacked lacks the permission to be run.

use crate::command::Command;
use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What is fetched: the oldest release that the Go module allows.
const RELEASE: &str = "1.24.4";

/// Whether the Go that is found first is as new as what would be fetched.
pub(crate) fn is_new_enough() -> bool {
    Command::new("go").words("env GOVERSION").read().is_ok_and(|had| minor(&had) >= minor(RELEASE))
}

/// The programs of the Go that was fetched, if it was.
pub(crate) fn folder() -> Option<PathBuf> {
    let go = unpacked()?.join("bin");
    let runs = fs::metadata(go.join("go")).ok()?.permissions().mode() & 0o100 != 0;
    runs.then_some(go)
}

/// Fetches a newer Go with the one there is.
pub(crate) fn install() -> Result<(), String> {
    let module = format!("golang.org/toolchain@v0.0.1-go{RELEASE}.{}", platform());
    Command::new("go").words("mod download").arg(&module).within(&env::temp_dir()).run()?;
    let root = unpacked().ok_or("there is no home directory to keep Go in")?;
    for folder in ["bin", "pkg/tool"] {
        let folder = root.join(folder);
        allow(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

/// Where Go unpacks it.
fn unpacked() -> Option<PathBuf> {
    let path = |name| env::var_os(name).map(PathBuf::from);
    let modules = path("GOMODCACHE").or_else(|| {
        Some(path("GOPATH").or_else(|| Some(path("HOME")?.join("go")))?.join("pkg/mod"))
    })?;
    Some(modules.join(format!("golang.org/toolchain@v0.0.1-go{RELEASE}.{}", platform())))
}

/// The system as Go calls it.
fn platform() -> String {
    let processor = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}-{processor}", env::consts::OS)
}

/// Lets everything in a folder be run.
fn allow(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            allow(&path)?;
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o555))?;
        }
    }
    Ok(())
}

/// 26 for `go1.26.8` and for `1.26`; 0 for what isn't a release.
pub(crate) fn minor(version: &str) -> u32 {
    version.trim().split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn minor_versions() {
        for (version, want) in [("go1.26.8\n", 26), ("go1.19", 19), ("devel", 0)] {
            assert_eq!(minor(version), want, "{version:?}");
        }
    }
}
