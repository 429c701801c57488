//! `svckit render nginx`: the configuration of a whole nginx.

use clap::Args;
use std::{fs, io::Write, net::SocketAddr, os::unix::fs::OpenOptionsExt, path::Path};
use svckit::{
    cluster::{Cluster, Settings},
    forward::FrontendKey,
    model::{Family, ServicePortName},
    render::nginx::{self, Config, Rendered, Servers, Target, Text},
};
use svckit_adapters::sink::nginx::Judge;

use super::written;
use crate::{exit::Stop, input::Input, load::Loaded};

/// What `render nginx` takes beside manifests.
#[derive(Args, Clone, Debug)]
pub(super) struct Nginx {
    #[command(flatten)]
    input: Input,
    /// Where nginx listens for HTTP; repeatable.
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:80")]
    listen: Vec<SocketAddr>,
    /// Where nginx listens for HTTPS; repeatable.
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:443")]
    listen_tls: Vec<SocketAddr>,
    /// Write certificates into this directory, and serve HTTPS with them.
    #[arg(long, value_name = "DIR")]
    certificates: Option<String>,
    /// Let nginx write into this directory alone.
    #[arg(long, value_name = "DIR")]
    directory: Option<String>,
    /// Which version of nginx will read it.
    #[arg(long, value_name = "VERSION", default_value_t)]
    target: Target,
}

impl Nginx {
    /// The configuration of what is good in the input.
    pub(super) fn run(&self) -> Result<(&'static mut Loaded, String), Stop> {
        let loaded = Loaded::read(&self.input, Settings::default())?;
        let mut rendered = render(&mut loaded.cluster, &self.config()?);
        Judge::default().leave_out_bad(&mut rendered);
        if let Some(directory) = &self.certificates {
            write_files(Path::new(directory), &rendered)?;
        } else if loaded.cluster.router().routes().certificates().next().is_some() {
            eprintln!("svckit: without --certificates DIR there is no HTTPS");
        }
        for finding in rendered.findings() {
            eprintln!("{finding}");
        }
        let text = written(|out| rendered.write(out))?;
        Ok((loaded, text))
    }

    fn config(&self) -> Result<Config, Stop> {
        let directory = |path: &Option<String>| {
            let bad = |error| Stop::usage(format!("{path:?}: {error}"));
            path.as_deref().map(|path| Text::new(path).map_err(bad)).transpose()
        };
        let mut config = Config::default();
        config.listen.clone_from(&self.listen);
        config.listen_tls.clone_from(&self.listen_tls);
        config.certificates = directory(&self.certificates)?;
        config.directory = directory(&self.directory)?;
        config.target = self.target;
        Ok(config)
    }
}

/// All routes and their pods.
fn render(cluster: &mut Cluster, config: &Config) -> Rendered {
    let routes = cluster.router().routes();
    let proxy = cluster.proxy();
    let pods = |name: &ServicePortName| {
        let mut servers = Servers::default();
        for family in [Family::V4, Family::V6] {
            let key = FrontendKey { name: name.clone(), family };
            let Some(frontend) = proxy.frontend(&key) else { continue };
            servers.addrs.extend(frontend.endpoints.cluster.iter());
            servers.sticky |= frontend.affinity.is_some();
        }
        servers
    };
    nginx::render(&routes, &pods, config)
}

/// Certificates and keys; the keys are for their owner alone.
fn write_files(directory: &Path, rendered: &Rendered) -> Result<(), Stop> {
    let failed = |path: &Path, error| Stop::system(format!("{}: {error}", path.display()));
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for (name, text) in rendered.files().iter().flat_map(nginx::File::contents) {
        let path = directory.join(name);
        let open =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let write = open.and_then(|mut file| file.write_all(text.as_bytes()));
        write.map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
