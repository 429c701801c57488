//! The C package as its users meet it: found by pkg-config and CMake alone, outside of this tree; and a proxy that is
//! built with it, with real connections.

use super::{Fault, go::package, require};
use crate::{command::Command, dist, gate::Step, workspace::Workspace};
use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, ChildStdout, Stdio},
    thread,
};

pub(super) const STEPS: &[Step] = &[
    Step { name: "C package", needs: &["build"], run: outside },
    Step { name: "C proxy", needs: &["build"], run: proxy },
];

const EXAMPLES: &str = "bindings/c/examples";

/// A folder outside of the tree with the package and the examples; goes when it is dropped.
struct Outside(PathBuf);

impl Outside {
    fn new(workspace: &Workspace, name: &str) -> Result<Self, String> {
        let built = package(workspace)?;
        let folder = env::temp_dir().join(format!("svckit-{name}-{}", process::id()));
        let outside = Self(folder);
        dist::lay_out(workspace, &workspace.built(), &outside.package())?;
        dist::check_name(workspace, &built.join("lib/libsvckit.so"))?;
        for entry in
            fs::read_dir(workspace.root.join(EXAMPLES)).map_err(|e| e.to_string())?.flatten()
        {
            let to = outside.0.join(entry.file_name());
            fs::copy(entry.path(), to).map_err(|error| error.to_string())?;
        }
        Ok(outside)
    }

    fn package(&self) -> PathBuf {
        self.0.join("svckit")
    }

    /// What pkg-config says.
    fn ask(&self, words: &str) -> Result<String, String> {
        let folder = self.package().join("lib/pkgconfig");
        let command = Command::new("pkg-config").words(words).arg("svckit");
        Ok(command.env("PKG_CONFIG_PATH", folder).read()?.trim().to_owned())
    }

    /// A program of this folder, which finds the shared library in the package.
    fn program(&self, name: &str) -> Command {
        let command = Command::new(self.0.join(name)).within(&self.0);
        command.env("LD_LIBRARY_PATH", self.package().join("lib"))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn outside(workspace: &Workspace) -> Result<(), Fault> {
    require(&["gcc", "pkg-config", "cmake", "readelf"])?;
    let outside = Outside::new(workspace, "package")?;
    let gcc = |words: &str| Command::new("gcc").words(words).within(&outside.0);
    let shared = outside.ask("--cflags --libs")?;
    gcc("pick.c -o pick-shared").words(&shared).run()?;
    outside.program("pick-shared").run()?;
    let archive = outside.ask("--variable=libdir")? + "/libsvckit.a";
    gcc("pick.c -o pick-static")
        .words(&outside.ask("--cflags")?)
        .arg(archive)
        .words(dist::SYSTEM_LIBRARIES)
        .run()?;
    outside.program("pick-static").run()?;
    let cmake = |words: &str| Command::new("cmake").words(words).within(&outside.0);
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", outside.package().display());
    cmake("-S . -B built --log-level=WARNING").arg(prefix).run()?;
    cmake("--build built").run()?;
    Ok(outside.program("built/pick").run()?)
}

/// Two endpoints share the connections; after the file has changed, one of them gets all.
fn proxy(workspace: &Workspace) -> Result<(), Fault> {
    require(&["gcc", "pkg-config"])?;
    let outside = Outside::new(workspace, "proxy")?;
    let words =
        format!("-O1 -Wall -Wextra -Werror proxy.c -o proxy {}", outside.ask("--cflags --libs")?);
    Command::new("gcc").words(&words).within(&outside.0).run()?;
    Ok(try_proxy(&outside.0, &outside.package().join("lib"))?)
}

fn try_proxy(folder: &Path, lib: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let (first, second) = (Ipv4Addr::new(127, 97, 0, 1), Ipv4Addr::new(127, 97, 0, 2));
    let one = TcpListener::bind((first, 0)).map_err(told)?;
    let port = one.local_addr().map_err(told)?.port();
    let two = TcpListener::bind((second, port)).map_err(told)?;
    for (listener, name) in [(one, "first"), (two, "second")] {
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| answer(stream, name))
        });
    }
    let file = folder.join("objects.json");
    fs::write(&file, objects(port, &[first, second])).map_err(told)?;
    let mut command = process::Command::new(folder.join("proxy"));
    command.arg(&file).args(["0", "shop/web", "http"]).env("LD_LIBRARY_PATH", lib);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().map_err(told)?);
    let output = running.0.stdout.take().ok_or("no output")?;
    let mut output = BufReader::new(output);
    let port_of_proxy = line(&mut output)?.rsplit(':').next().and_then(|port| port.parse().ok());
    let port_of_proxy: u16 = port_of_proxy.ok_or("the proxy doesn't say where it listens")?;

    expect(port_of_proxy, &["first", "second"])?;
    let open = TcpStream::connect((Ipv4Addr::LOCALHOST, port_of_proxy)).map_err(told)?;
    fs::write(&file, objects(port, &[second])).map_err(told)?;
    Command::new("kill").arg("-HUP").arg(running.0.id().to_string()).run()?;
    line(&mut output)?;
    expect(port_of_proxy, &["second"])?;
    exchange(open)?;
    Command::new("kill").arg("-TERM").arg(running.0.id().to_string()).run()?;
    let status = running.0.wait().map_err(told)?;
    if status.success() { Ok(()) } else { Err(format!("the proxy ends with {status}")) }
}

/// A program that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn line(output: &mut BufReader<ChildStdout>) -> Result<String, String> {
    let mut line = String::new();
    output.read_line(&mut line).map_err(|error| error.to_string())?;
    Ok(line.trim().to_owned())
}

/// Says its name, then everything it is sent.
fn answer(mut stream: TcpStream, name: &str) {
    let mut heard = Vec::new();
    _ = stream.read_to_end(&mut heard);
    _ = stream.write_all(name.as_bytes()).and_then(|()| stream.write_all(&heard));
}

/// Ten connections reach exactly these.
fn expect(port: u16, wanted: &[&str]) -> Result<(), String> {
    let connect = |_| {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        exchange(stream.map_err(|error| error.to_string())?)
    };
    let reached: BTreeSet<String> = (0..10).map(connect).collect::<Result<_, _>>()?;
    let wanted: BTreeSet<String> = wanted.iter().map(ToString::to_string).collect();
    if reached == wanted { Ok(()) } else { Err(format!("wanted {wanted:?}, reached {reached:?}")) }
}

/// Sends more than any buffer holds, gets it back, and answers who it was.
fn exchange(mut stream: TcpStream) -> Result<String, String> {
    let told = |error: std::io::Error| error.to_string();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    stream.write_all(&sent).map_err(told)?;
    stream.shutdown(Shutdown::Write).map_err(told)?;
    let mut came = Vec::new();
    stream.read_to_end(&mut came).map_err(told)?;
    let name = came.len().checked_sub(sent.len()).and_then(|at| came.split_at_checked(at));
    match name {
        Some((name, rest)) if rest == sent => Ok(String::from_utf8_lossy(name).into_owned()),
        _ => Err(format!("{} bytes came back of {}", came.len(), sent.len())),
    }
}

/// A Service and its ready pods.
fn objects(port: u16, pods: &[Ipv4Addr]) -> String {
    let mut items = vec![serde_json::json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80, "targetPort": port }] },
    })];
    items.extend(pods.iter().map(|pod| {
        let name = format!("web-{}", pod.octets()[3]);
        serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "namespace": "shop", "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web" }] },
            "status": {
                "phase": "Running", "podIP": pod, "podIPs": [{ "ip": pod }],
                "conditions": [{ "type": "Ready", "status": "True" }],
            },
        })
    }));
    serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}
