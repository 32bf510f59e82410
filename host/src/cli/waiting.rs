//! `otlet run --wait-for-plugins`: until the files of all plugins that the config names are there and can be used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time;

use super::{Ends, unless_told};
use crate::app::{self, Front};
use crate::config::Draft;
use crate::plugin::{Absent, Registry};

/// How often it looks: files come rarely, and looking costs little.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits, and gives the config with what stands already; nothing if it is told to end.
pub(super) async fn wait(
    mut draft: Draft,
    registry: &Arc<Registry>,
    ends: &mut Ends,
) -> anyhow::Result<Option<(Draft, Option<Front>)>> {
    let mut front = None;
    let mut told = BTreeMap::new();
    loop {
        let asked = Arc::clone(registry);
        // What is there is compiled, which takes long.
        let look = move || {
            let missing = app::missing(&draft, &asked);
            (draft, missing)
        };
        let Some((back, missing)) = unless_told(ends, look).await? else {
            return Ok(None);
        };
        draft = back;
        if missing.is_empty() {
            return Ok(Some((draft, front)));
        }
        if front.is_none() {
            let opened = Front::open(draft.admin(), registry)?;
            opened.wait();
            front = Some(opened);
        }
        tell(&missing, &told);
        told = missing;
        tokio::select! {
            () = time::sleep(PAUSE) => {}
            () = ends.wait() => return Ok(None),
        }
    }
}

/// Says what is waited for, once for each reason.
fn tell(missing: &BTreeMap<String, Absent>, told: &BTreeMap<String, Absent>) {
    for (plugin, absent) in missing {
        if told.get(plugin) != Some(absent) {
            tracing::warn!(plugin, reason = %absent, "waiting for a plugin");
        }
    }
}
