//! SIGHUP: profiles, terminology and sources are read again from the configuration and put in force together, or not at all.
//! Everything else of it (addresses, store, limits, mappings) is read at start only.

use std::path::PathBuf;
use std::sync::Arc;

use hutong_receive::sources::Sources;
use hutong_wire::limits::Limits;

use crate::cli::Failure;
use crate::config::{self, Config};
use crate::library::Library;
use crate::runtime::wrong_sources;

pub(crate) struct Reload {
    /// The configuration that the gateway was started with, if any.
    pub(crate) path: Option<PathBuf>,
    pub(crate) library: Arc<Library>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) limits: Arc<Limits>,
}

impl Reload {
    /// Waits for the signal, again and again.
    pub(crate) async fn on_hangup(self) {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        let reload = Arc::new(self);
        while hangup.recv().await.is_some() {
            let reload = Arc::clone(&reload);
            // reading packages takes a while; messages go on meanwhile
            let done = tokio::task::spawn_blocking(move || reload.run()).await;
            match done {
                Ok(Ok(what)) => tracing::info!(rule = "config.reloaded", what, "profiles, terminology and sources were read again"),
                Ok(Err(failure)) => {
                    tracing::error!(rule = "config.refused", %failure, "what was in force stays: the configuration cannot be used");
                }
                Err(_) => tracing::error!(rule = "config.refused", "what was in force stays: reading the configuration ended in a fault"),
            }
        }
    }

    fn run(&self) -> Result<String, Failure> {
        let config = match &self.path {
            Some(path) => config::read(path)?,
            None => Config::default(),
        };
        let in_force = Library::prepare(&config)?;
        if !config.source.is_empty() {
            let list = config.source.into_iter().map(|source| source.with_default_rate(&self.limits)).collect();
            self.sources.replace(list).map_err(|faults| wrong_sources(&faults))?;
        }
        self.library.put(Arc::clone(&in_force));
        for warning in &in_force.loaded.warnings {
            tracing::warn!(rule = %warning.rule, "{}", warning.en);
        }
        let names: Vec<String> = in_force.loaded.names.iter().map(|(name, version, n)| format!("{name} {version} ({n})")).collect();
        Ok(if names.is_empty() { "R4, community".to_owned() } else { format!("R4, community, {}", names.join(", ")) })
    }
}
