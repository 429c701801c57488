//! What pkg-config is told about the C library.

use crate::workspace::{Workspace, text};
use std::{fs, path::Path};

/// What Rust's standard library needs from the system when it is linked statically.
pub(crate) const SYSTEM_LIBRARIES: &str = "-lpthread -ldl -lm";

/// The contents of `svckit.pc`: where header and library lie, which may use pkg-config's variables.
pub(crate) fn contents(
    version: &str,
    prefix: &str,
    include: &str,
    lib: &str,
    name: &str,
) -> String {
    format!(
        "prefix={prefix}\n\
        includedir={include}\n\
        libdir={lib}\n\
        \n\
        Name: svckit\n\
        Description: Kubernetes Services as a library\n\
        Version: {version}\n\
        Cflags: -I${{includedir}}\n\
        Libs: -L${{libdir}} -l{name}\n\
        Libs.private: {SYSTEM_LIBRARIES}\n"
    )
}

/// Writes `svckit.pc` for the library as cargo builds it for tests, into the folder where that lies.
pub(crate) fn for_tests(workspace: &Workspace, name: &str) -> Result<(), String> {
    let version = text(workspace.package("svckit-ffi")?, "version");
    let (root, built) = (workspace.root.display().to_string(), workspace.built());
    let include = workspace.root.join("ffi/include").display().to_string();
    let contents = contents(version, &root, &include, &built.display().to_string(), name);
    write(&built.join("svckit.pc"), &contents)
}

/// Writes a file and says which one could not be written.
pub(crate) fn write(path: &Path, contents: &str) -> Result<(), String> {
    fs::write(path, contents).map_err(|error| format!("{}: {error}", path.display()))
}
