//! A straight program that makes the very files of an UPGRADE, as its bare limit on the local disk.
//!
//! It knows every name and all bytes before it begins. Of each group it makes marks, managers, folders and files, flushes
//! the file system, renames, and flushes it again: the fewest flushes that leave nothing visible before it is durable.

#![allow(clippy::unwrap_used, reason = "a program that cannot measure must end")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use comptask_upgrade::layout::{self, V1Name};
use comptask_upgrade::plan::manifest::Line;
use comptask_upgrade::task::{StateV2, V2Id};
use comptask_upgrade::tree::TreePath;

use crate::local::{flush, DATABASE};

/// As many as the library takes together.
const GROUP_TASKS: usize = 2_048;

/// What is made of one task, each path below a root.
pub struct Made {
    mark: TreePath,
    manager: TreePath,
    id: String,
    info_name: String,
    info_bytes: Vec<u8>,
    status_name: String,
    upgraded: TreePath,
}

/// What the library made, by its manifests and the files themselves.
pub fn made_by(root: &Path) -> Vec<Made> {
    let mut all = Vec::new();
    for number in 1.. {
        let path = layout::done().join(&layout::manifest_name(number));
        let Ok(manifest) = fs::read_to_string(root.join(path.as_str())) else { break };
        let lines = manifest.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        all.extend(lines.map(|line| made(root, &line)));
    }
    all
}

fn made(root: &Path, line: &Line) -> Made {
    let base = V1Name::parse(&line.v1).unwrap().base.to_string();
    let id = V2Id::parse(&line.v2).unwrap();
    let info_name = layout::task_info_name(&line.pc, DATABASE).unwrap();
    Made {
        mark: layout::mark_in_progress(&base, &line.node),
        manager: layout::manager(&line.node, &id),
        info_bytes: fs::read(root.join(layout::main_task(&id).join(&info_name).as_str())).unwrap(),
        info_name,
        status_name: layout::status_name(StateV2::from_word(&line.state).unwrap()),
        upgraded: layout::mark_upgraded(&base),
        id: line.v2.clone(),
    }
}

/// The straight program, on any folder.
pub fn write_straight(root: &Path, made: &[Made]) {
    let at = |path: &TreePath| root.join(path.as_str());
    let built = at(&layout::staging_of("straight"));
    let published = at(&layout::v2_scheduler());
    fs::create_dir_all(&built).unwrap();
    fs::create_dir_all(&published).unwrap();
    fs::create_dir_all(at(&layout::upgrading())).unwrap();
    for one in made {
        fs::create_dir_all(at(&one.manager.parent().unwrap())).unwrap();
    }
    flush(root);
    for group in made.chunks(GROUP_TASKS) {
        for one in group {
            let folder = built.join(&one.id);
            create(&at(&one.mark), &[]);
            create(&at(&one.manager), &[]);
            fs::create_dir(&folder).unwrap();
            create(&folder.join(&one.info_name), &one.info_bytes);
            create(&folder.join(&one.status_name), &[]);
        }
        flush(root);
        for one in group {
            fs::rename(built.join(&one.id), published.join(&one.id)).unwrap();
            fs::rename(at(&one.mark), at(&one.upgraded)).unwrap();
        }
        flush(root);
    }
}

fn create(path: &Path, bytes: &[u8]) {
    File::create_new(path).unwrap().write_all(bytes).unwrap();
}
