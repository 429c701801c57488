//! The C header: made from the Rust sources, committed, and compared.
//!
//! Beside it lies the list of all functions that the library exports. A name that leaves the list is a break for
//! programs that are already linked; the comparison makes sure that somebody has seen it.

use crate::workspace::{Workspace, text};
use std::{collections::BTreeSet, fs, path::Path};

/// The header, from the root.
pub(crate) const HEADER: &str = "ffi/include/svckit.h";

/// The exported functions, one a line, sorted.
const SYMBOLS: &str = "ffi/abi.txt";

/// Writes the header and the list of its functions.
pub(crate) fn write(workspace: &Workspace) -> Result<(), String> {
    for (path, contents) in fresh(workspace)? {
        let path = workspace.root.join(path);
        let folder = path.parent().ok_or("the header lies in a folder")?;
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        fs::write(&path, contents).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Fails when the header or the list differ from what the sources say.
pub(crate) fn check(workspace: &Workspace) -> Result<(), String> {
    for (path, contents) in fresh(workspace)? {
        let committed = workspace.contents(Path::new(path)).unwrap_or_default();
        if committed == contents {
            continue;
        }
        let pairs = committed.lines().zip(contents.lines());
        let same = pairs.take_while(|(committed, fresh)| committed == fresh).count();
        println!("{path}:{}: {}", same + 1, contents.lines().nth(same).unwrap_or("ends here"));
        return Err(format!("{path} is not what the sources say; run `cargo xtask header`"));
    }
    Ok(())
}

/// The header and the list as they should be.
fn fresh(workspace: &Workspace) -> Result<[(&'static str, String); 2], String> {
    let folder = workspace.root.join("ffi");
    let mut config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))?;
    let version = version(text(workspace.package("svckit-ffi")?, "version"))?;
    config.after_includes.get_or_insert_default().push_str(&version);
    let bindings = cbindgen::generate_with_config(folder, config).map_err(|e| e.to_string())?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    let header = String::from_utf8(header).map_err(|error| error.to_string())?;
    let symbols =
        declared(&header).into_iter().fold(String::new(), |list, name| list + name + "\n");
    Ok([(HEADER, header), (SYMBOLS, symbols)])
}

/// Macros that say which version the header belongs to.
fn version(version: &str) -> Result<String, String> {
    let parts = || version.split('.').map(str::parse::<u32>);
    let parts: Vec<u32> = parts().collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let [major, minor, patch] = parts[..] else {
        return Err(format!("{version} is not a version of three parts"));
    };
    Ok(format!(
        "\n\
        #define SVCKIT_VERSION_MAJOR {major}\n\
        #define SVCKIT_VERSION_MINOR {minor}\n\
        #define SVCKIT_VERSION_PATCH {patch}\n\
        #define SVCKIT_VERSION_TEXT \"{version}\"\n\
        /** Grows with each release; compare with svckit_version(). */\n\
        #define SVCKIT_VERSION \\\n  \
        (SVCKIT_VERSION_MAJOR << 16 | SVCKIT_VERSION_MINOR << 8 | SVCKIT_VERSION_PATCH)\n"
    ))
}

/// The functions that a header declares: names right before a parenthesis, outside of comments.
pub(crate) fn declared(header: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let code = header.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code));
    for part in
        code.flat_map(|code| code.lines()).filter(|line| !line.trim_start().starts_with('#'))
    {
        let before = part.split_once('(').map_or("", |(before, _)| before);
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        names.extend(name.filter(|name| name.starts_with("svckit_")));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn functions_of_a_header() {
        let header = "\
            #define svckit_MACRO(x) x\n\
            /** Frees what svckit_planner_new() made. */\n\
            void svckit_planner_free(svckit_planner *planner);\n\
            typedef struct svckit_planner svckit_planner;\n\
            svckit_status svckit_planner_new(\n    const uint8_t *text);\n";
        let names: Vec<_> = declared(header).into_iter().collect();
        assert_eq!(names, ["svckit_planner_free", "svckit_planner_new"]);
    }
}
