//! The C library as it is installed: header, shared and static library, pkg-config and CMake files.
//!
//! ```text
//! include/svckit.h
//! lib/libsvckit.so -> libsvckit.so.0 -> libsvckit.so.0.1.0      what links, what runs, what it is
//! lib/libsvckit.a
//! lib/pkgconfig/svckit.pc
//! lib/cmake/svckit/svckitConfig.cmake, svckitConfigVersion.cmake
//! ```
//!
//! Nothing in it knows where it lies, so the folder can be put anywhere.

use crate::{
    command::Command,
    header::HEADER,
    workspace::{Workspace, text},
};
use std::{fs, os::unix::fs::symlink, path::Path};

/// What Rust's standard library needs from the system when it is linked statically.
pub(crate) const SYSTEM_LIBRARIES: &str = "-lpthread -ldl -lm";

/// The C library as cargo calls it.
pub(crate) const LIBRARY: &str = "svckit_ffi";

/// The folder that is made when none is named.
const FOLDER: &str = "dist";

/// Builds the library for release and lays it out in `folder`.
pub(crate) fn run(workspace: &Workspace, folder: Option<&str>) -> Result<(), String> {
    workspace.cargo("build --package svckit-ffi --lib --profile dist").run()?;
    let built = workspace.built().with_file_name("dist");
    let folder = folder.map_or_else(|| workspace.root.join(FOLDER), Into::into);
    lay_out(workspace, &built, &folder)?;
    let version = text(workspace.package("svckit-ffi")?, "version");
    for (what, name) in [
        ("shared library, stripped", format!("libsvckit.so.{version}")),
        ("static library", "libsvckit.a".into()),
    ] {
        let file = folder.join("lib").join(name);
        let bytes = fs::metadata(&file).map_err(|error| error.to_string())?.len();
        println!("{:>9} KiB  {what}: {}", bytes.div_ceil(1024), file.display());
    }
    Ok(())
}

/// Copies what cargo has built in `built` to the folder `to`, with everything that goes with it.
pub(crate) fn lay_out(workspace: &Workspace, built: &Path, to: &Path) -> Result<(), String> {
    let version = text(workspace.package("svckit-ffi")?, "version");
    let major = version.split('.').next().unwrap_or(version);
    let (include, lib) = (to.join("include"), to.join("lib"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/svckit"));
    for folder in [&include, &pkgconfig, &cmake] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let full = format!("libsvckit.so.{version}");
    let so_name = format!("libsvckit.so.{major}");
    copy(&workspace.root.join(HEADER), &include.join("svckit.h"))?;
    copy(&built.join(format!("lib{LIBRARY}.so")), &lib.join(&full))?;
    copy(&built.join(format!("lib{LIBRARY}.a")), &lib.join("libsvckit.a"))?;
    link(&full, &lib.join(&so_name))?;
    link(&so_name, &lib.join("libsvckit.so"))?;
    write(&pkgconfig.join("svckit.pc"), &pkg_config(version))?;
    write(&cmake.join("svckitConfig.cmake"), &cmake_config(&so_name))?;
    write(&cmake.join("svckitConfigVersion.cmake"), &cmake_version(version))
}

/// Fails when a shared library asks for anything but `libsvckit.so.<major>` to be called, or is not found.
pub(crate) fn check_name(workspace: &Workspace, library: &Path) -> Result<(), String> {
    let version = text(workspace.package("svckit-ffi")?, "version");
    let major = version.split('.').next().unwrap_or(version);
    let listed = Command::new("readelf").arg("-d").arg(library).read()?;
    let name = format!("[libsvckit.so.{major}]");
    match listed.lines().any(|line| line.contains("SONAME") && line.contains(&name)) {
        true => Ok(()),
        false => Err(format!("{} is not called {name}", library.display())),
    }
}

fn pkg_config(version: &str) -> String {
    format!(
        "prefix=${{pcfiledir}}/../..\n\
        includedir=${{prefix}}/include\n\
        libdir=${{prefix}}/lib\n\
        \n\
        Name: svckit\n\
        Description: Kubernetes Services as a library\n\
        Version: {version}\n\
        Cflags: -I${{includedir}}\n\
        Libs: -L${{libdir}} -lsvckit\n\
        Libs.private: {SYSTEM_LIBRARIES}\n"
    )
}

fn cmake_config(so_name: &str) -> String {
    let libraries = SYSTEM_LIBRARIES.replace("-l", "").replace(' ', ";");
    format!(
        "get_filename_component(svckit_prefix \"${{CMAKE_CURRENT_LIST_DIR}}/../../..\" ABSOLUTE)\n\
        if(NOT TARGET svckit::svckit)\n  \
          add_library(svckit::svckit SHARED IMPORTED)\n  \
          set_target_properties(svckit::svckit PROPERTIES\n    \
            IMPORTED_LOCATION \"${{svckit_prefix}}/lib/{so_name}\"\n    \
            IMPORTED_SONAME \"{so_name}\"\n    \
            INTERFACE_INCLUDE_DIRECTORIES \"${{svckit_prefix}}/include\")\n  \
          add_library(svckit::static STATIC IMPORTED)\n  \
          set_target_properties(svckit::static PROPERTIES\n    \
            IMPORTED_LOCATION \"${{svckit_prefix}}/lib/libsvckit.a\"\n    \
            INTERFACE_LINK_LIBRARIES \"{libraries}\"\n    \
            INTERFACE_INCLUDE_DIRECTORIES \"${{svckit_prefix}}/include\")\n\
        endif()\n"
    )
}

/// Versions of one minor number are compatible until 1.0.
fn cmake_version(version: &str) -> String {
    let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
    format!(
        "set(PACKAGE_VERSION \"{version}\")\n\
        if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)\n  \
          set(PACKAGE_VERSION_EXACT TRUE)\n\
        endif()\n\
        if(PACKAGE_FIND_VERSION VERSION_LESS_EQUAL PACKAGE_VERSION AND NOT PACKAGE_FIND_VERSION VERSION_LESS \"{minor}\")\n  \
          set(PACKAGE_VERSION_COMPATIBLE TRUE)\n\
        endif()\n"
    )
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn write(path: &Path, contents: &str) -> Result<(), String> {
    fs::write(path, contents).map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes a symbolic link, in place of what was there.
fn link(target: &str, at: &Path) -> Result<(), String> {
    // An old link, or nothing.
    _ = fs::remove_file(at);
    symlink(target, at).map_err(|error| format!("{}: {error}", at.display()))
}
