//! Trees to work on. What each task must become is written by hand beside it: the checker compares with these words,
//! never with what the library says.

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::{MemoryStorage, Storage};

use super::v1_files::{file, folder, v1, v1_bytes, v1_name, v1_task, v2, v2_task};

/// The catalog of most trees. Schemas and where their tasks may go: see [`places`].
pub const CATALOG: &str = r#"{
  "process_groups": [
    {"name": "pc1", "nodes": ["xcloud24_9876", "xcloud25_9876"]},
    {"name": "pc.two", "nodes": ["node:3.example", "upgrade"]},
    {"name": "solo", "nodes": ["solo_1"]},
    {"name": "marked", "nodes": ["upgrade"]},
    {"name": "idle", "nodes": []}
  ],
  "nodes": ["xcloud25_9876", "xcloud24_9876", "node:3.example", "upgrade", "solo_1", "free%1"],
  "schemas": [
    {"db": "sales", "schema": "eu", "process_groups": ["pc1"]},
    {"db": "sales", "schema": "any", "process_groups": ["pc1", "idle", "pc.two"]},
    {"db": "sales", "schema": "solo", "process_groups": ["solo"]},
    {"db": "sales", "schema": "marked", "process_groups": ["marked"]},
    {"db": "d.b/x", "schema": "odd", "process_groups": ["pc.two"]},
    {"db": "sales", "schema": "nopc", "process_groups": []},
    {"db": "sales", "schema": "idle", "process_groups": ["idle"]}
  ]
}"#;

/// The catalog of a cluster that has no PC.
pub const CATALOG_WITHOUT_PCS: &str = r#"{"process_groups": [], "nodes": ["n1", "n2"],
  "schemas": [{"db": "sales", "schema": "eu", "process_groups": []}]}"#;

/// The PCs and nodes where a task of a schema may be placed; none where it is cancelled.
pub fn places(catalog: &str, schema: (&str, &str)) -> Vec<(&'static str, &'static str)> {
    let pc1 = [("pc1", "xcloud24_9876"), ("pc1", "xcloud25_9876")];
    let pc_two = [("pc.two", "node:3.example"), ("pc.two", "upgrade")];
    if catalog == CATALOG_WITHOUT_PCS {
        return if schema == ("sales", "eu") { vec![("", "n1"), ("", "n2")] } else { Vec::new() };
    }
    match schema {
        ("sales", "eu") => pc1.to_vec(),
        ("sales", "any") => [pc1, pc_two].concat(),
        ("sales", "solo") => vec![("solo", "solo_1")],
        ("sales", "marked") => vec![("marked", "upgrade")],
        ("d.b/x", "odd") => pc_two.to_vec(),
        _ => Vec::new(),
    }
}

/// What one V1 task must become.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Its V1 file.
    pub v1_name: String,
    /// Its V2 id, which is the name of its folder.
    pub v2_id: &'static str,
    /// Its V2 state.
    pub state: StateV2,
    /// Where it may be.
    pub places: Vec<(&'static str, &'static str)>,
}

/// A tree, and all that is expected of it.
#[derive(Clone)]
pub struct Fixture {
    pub name: &'static str,
    pub storage: MemoryStorage,
    pub catalog: &'static str,
    pub expected: Vec<Expected>,
    /// What was in V2 before, and must stay as it is: folders of main tasks, manager files.
    pub foreign: Vec<String>,
}

struct Maker<'a> {
    storage: &'a dyn Storage,
    catalog: &'static str,
    expected: Vec<Expected>,
    foreign: Vec<String>,
}

impl<'a> Maker<'a> {
    fn new(storage: &'a dyn Storage, catalog: &'static str) -> Self {
        folder(storage, "Compaction/Scheduler");
        folder(storage, "Compaction/TaskAssigned");
        folder(storage, "Compaction_V2/Scheduler");
        folder(storage, "Compaction_V2/TaskAssigned");
        Self { storage, catalog, expected: Vec::new(), foreign: Vec::new() }
    }

    /// A task and what becomes of it, where it is placed or where its own state ends it.
    fn task(&mut self, (pu, seq, ts): (&str, i32, u64), state: StateV1, schema: (&str, &str), v2_id: &'static str) {
        let v1_name = v1(self.storage, pu, seq, ts, state, schema);
        let places = places(self.catalog, schema);
        let state = match state {
            StateV1::Cancel => StateV2::Cancel,
            StateV1::Done => StateV2::Done,
            StateV1::Init | StateV1::Assigned if places.is_empty() => StateV2::Cancel,
            StateV1::Init | StateV1::Assigned => StateV2::Init,
        };
        let places = if places.is_empty() { vec![("", "")] } else { places };
        self.expected.push(Expected { v1_name, v2_id, state, places });
    }

    fn sub_task(&self, pu: &str, base: &str) {
        let at = format!("Compaction/TaskAssigned/{pu}/{base}");
        file(self.storage, &format!("{at}/TaskInfo"), b"a sub-task, whatever it holds");
        file(self.storage, &format!("{at}/Status.Success"), b"");
    }
}

type Made = (Vec<Expected>, Vec<String>);
type Make = fn(&dyn Storage) -> Made;

/// The trees of the sweep, each with its catalog.
pub const ALL: [(&str, &str, Make); 9] = [
    ("two", CATALOG, two),
    ("seed", CATALOG, seed),
    ("colliding", CATALOG, colliding),
    ("cancelled", CATALOG, cancelled),
    ("foreign", CATALOG, foreign),
    ("sub-tasks", CATALOG, sub_tasks),
    ("thirty", CATALOG, thirty),
    ("half-way", CATALOG, half_way),
    ("no PC at all", CATALOG_WITHOUT_PCS, no_pc_at_all),
];

/// The tree of a name, in memory.
pub fn fixture(wanted: &str) -> Fixture {
    let (name, catalog, make) = ALL.into_iter().find(|row| row.0 == wanted).expect("a tree of that name");
    let storage = MemoryStorage::new();
    let (expected, foreign) = make(&storage);
    Fixture { name, storage, catalog, expected, foreign }
}

/// A task that is open and one that is not: small enough for every pair of faults.
pub fn two(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    maker.task(("p", 0, 1_617_693_156_000), StateV1::Assigned, ("sales", "eu"), "aaaaffff.16176931.56000000.0");
    maker.task(("p", 1, 1_617_693_156_000), StateV1::Done, ("sales", "solo"), "aaaaffff.16176931.56000000.1");
    (maker.expected, maker.foreign)
}

/// The four tasks of the seed's picture, and its sub-task.
pub fn seed(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    let pu = "xcloud24_9876";
    let schema = ("sales", "eu");
    maker.task((pu, 0, 1_617_693_156_000), StateV1::Init, schema, "aaaaffff.16176931.56000000.0");
    maker.task((pu, 0, 1_617_606_756_000), StateV1::Assigned, schema, "aaaaffff.16176067.56000000.0");
    maker.task((pu, 0, 1_614_928_356_000), StateV1::Cancel, schema, "aaaaffff.16149283.56000000.0");
    maker.task((pu, 0, 1_583_392_356_000), StateV1::Done, schema, "aaaaffff.15833923.56000000.0");
    maker.sub_task(pu, "compct.xcloud24_9876.1.1617606756000");
    (maker.expected, maker.foreign)
}

/// Tasks of three PUs with one time and one number: their ids differ in the ordinal, in the byte order of the PUs.
pub fn colliding(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    let at = |pu| (pu, 5, 1_700_000_000_123);
    maker.task(at("a1"), StateV1::Init, ("sales", "eu"), "aaaaffff.17000000.00123002.5");
    maker.task(at("a"), StateV1::Assigned, ("sales", "any"), "aaaaffff.17000000.00123000.5");
    maker.task(at("a.b"), StateV1::Done, ("sales", "solo"), "aaaaffff.17000000.00123001.5");
    // Another number is another id.
    maker.task(("a", 6, 1_700_000_000_123), StateV1::Init, ("sales", "eu"), "aaaaffff.17000000.00123000.6");
    (maker.expected, maker.foreign)
}

/// Tasks that no node may run, PUs with dots in their names, nodes whose names need escaping, one called `upgrade`.
pub fn cancelled(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    maker.task(("p.u.1", 0, 1_000), StateV1::Init, ("sales", "nopc"), "aaaaffff.00000000.01000000.0");
    maker.task(("p.u.1", 1, 1_000), StateV1::Assigned, ("sales", "no such schema"), "aaaaffff.00000000.01000000.1");
    maker.task(("p.0.7", 2, 1_000), StateV1::Init, ("sales", "idle"), "aaaaffff.00000000.01000000.2");
    maker.task(("p", 3, 1_000), StateV1::Done, ("sales", "no such schema"), "aaaaffff.00000000.01000000.3");
    maker.task(("p", 4, 1_000), StateV1::Cancel, ("sales", "nopc"), "aaaaffff.00000000.01000000.4");
    maker.task(("p", 5, 1_000), StateV1::Init, ("d.b/x", "odd"), "aaaaffff.00000000.01000000.5");
    maker.task(("p", 6, 1_000), StateV1::Assigned, ("d.b/x", "odd"), "aaaaffff.00000000.01000000.6");
    maker.task(("p", 7, 1_000), StateV1::Init, ("sales", "marked"), "aaaaffff.00000000.01000000.7");
    (maker.expected, maker.foreign)
}

/// V2 is at work already: a task born there, one that stands where an upgraded one would; and strange files in V1.
pub fn foreign(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    let other = v1_task("stranger", 0, 1_617_693_156_000, StateV1::Init, ("sales", "eu"));
    let stands = v2_task(&other, "aaaaffff.16176931.56000000", StateV2::Running, "pc1", "xcloud24_9876");
    v2(storage, "aaaaffff.16176931.56000000.0", "TaskInfo.pc1.sales", &stands);
    let manager = "Compaction_V2/TaskAssigned/xcloud24_9876/Manager.aaaaffff.16176931.56000000.0";
    file(storage, manager, b"");
    let born = v2_task(&other, "0badcafe.12345678.9", StateV2::Done, "pc1", "xcloud24_9876");
    v2(storage, "0badcafe.12345678.9.0", "TaskInfo.pc1.sales", &born);
    file(storage, "Compaction/Scheduler/README", b"what is this?");
    file(storage, "Compaction/notes.txt", b"nobody knows");
    maker.task(("p", 0, 1_617_693_156_000), StateV1::Init, ("sales", "eu"), "aaaaffff.16176931.56000001.0");
    maker.task(("q", 0, 1_617_693_156_000), StateV1::Init, ("sales", "solo"), "aaaaffff.16176931.56000002.0");
    maker.task(("q", 1, 7), StateV1::Done, ("sales", "solo"), "aaaaffff.00000000.00007000.1");
    maker.foreign.push("Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0".to_owned());
    maker.foreign.push("Compaction_V2/Scheduler/0badcafe.12345678.9.0".to_owned());
    maker.foreign.push(manager.to_owned());
    (maker.expected, maker.foreign)
}

/// Sub-tasks of several PUs, which are never migrated and go with the V1 tree.
pub fn sub_tasks(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    maker.task(("p1", 0, 1_600_000_000_001), StateV1::Assigned, ("sales", "eu"), "aaaaffff.16000000.00001000.0");
    maker.task(("p2", 0, 1_600_000_000_002), StateV1::Assigned, ("sales", "any"), "aaaaffff.16000000.00002000.0");
    for pu in ["p1", "p2", "p.3"] {
        for ts in [1_600_000_000_001_u64, 1_600_000_000_002] {
            maker.sub_task(pu, &format!("compct.{pu}.1.{ts}"));
        }
    }
    folder(storage, "Compaction/TaskAssigned/p4");
    (maker.expected, maker.foreign)
}

/// Thirty tasks, of every state and every schema.
pub fn thirty(storage: &dyn Storage) -> Made {
    so_many(storage, 30)
}

/// So many tasks, from twenty on of every state and every schema in every combination.
pub fn so_many(storage: &dyn Storage, tasks: usize) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    let schemas = [("sales", "eu"), ("sales", "any"), ("d.b/x", "odd"), ("sales", "nopc"), ("sales", "solo")];
    for place in 0..tasks {
        let ts = 1_650_000_000_000 + place as u64;
        let id: &'static str = Box::leak(format!("aaaaffff.16500000.{place:05}000.3").into_boxed_str());
        maker.task(("pu_1", 3, ts), StateV1::ALL[place % 4], schemas[place % 5], id);
    }
    (maker.expected, maker.foreign)
}

/// A cluster without a PC: any node will do, and the PC's name is empty.
pub fn no_pc_at_all(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG_WITHOUT_PCS);
    maker.task(("p", 0, 1_617_693_156_000), StateV1::Init, ("sales", "eu"), "aaaaffff.16176931.56000000.0");
    maker.task(("p", 1, 1_617_693_156_000), StateV1::Done, ("sales", "eu"), "aaaaffff.16176931.56000000.1");
    maker.task(("p", 2, 1_617_693_156_000), StateV1::Init, ("sales", "us"), "aaaaffff.16176931.56000000.2");
    (maker.expected, maker.foreign)
}

/// What an upgrade that was killed may leave, one task for each trace.
pub fn half_way(storage: &dyn Storage) -> Made {
    let mut maker = Maker::new(storage, CATALOG);
    let ids: [&'static str; 8] = [
        "aaaaffff.16176931.56000000.0",
        "aaaaffff.16176931.56000000.1",
        "aaaaffff.16176931.56000000.2",
        "aaaaffff.16176931.56000000.3",
        "aaaaffff.16176931.56000000.4",
        "aaaaffff.16176931.56000000.5",
        "aaaaffff.16176931.56000000.6",
        "aaaaffff.16176931.56000000.7",
    ];
    let ts = 1_617_693_156_000;
    for (seq, id) in (0..).zip(ids) {
        maker.task(("p", seq, ts), StateV1::Init, ("sales", "solo"), id);
    }
    let base = |seq: i32| format!("compct.p.{seq}.{ts}");
    let mark = |seq: i32, word: &str| file(storage, &format!("Compaction_V2/Taskupgrade/{}.{word}", base(seq)), b"");
    let manager = |node: &str, id: &str| file(storage, &format!("Compaction_V2/TaskAssigned/{node}/Manager.{id}"), b"");
    let whole = |seq: i32, id: &str| {
        let task = v1_task("p", seq, ts, StateV1::Init, ("sales", "solo"));
        let query_id = id.rsplit_once('.').unwrap().0;
        v2(storage, id, "TaskInfo.solo.sales", &v2_task(&task, query_id, StateV2::Init, "solo", "solo_1"));
    };
    // 0: converted, and its line is in a part.
    whole(0, ids[0]);
    manager("solo_1", ids[0]);
    mark(0, "upgrade");
    file(
        storage,
        "Compaction_V2/Taskupgrade/Part.0000000000000000001-00000000000000aa.0",
        &part(&line_of(storage, 0, ids[0])),
    );
    // 1: converted, and its part was lost.
    whole(1, ids[1]);
    manager("solo_1", ids[1]);
    mark(1, "upgrade");
    // 2: finished but for its mark.
    whole(2, ids[2]);
    manager("solo_1", ids[2]);
    mark(2, "solo_1");
    // 3: begun for another node than it would get now.
    manager("xcloud24_9876", ids[3]);
    mark(3, "xcloud24_9876");
    // 4: begun twice, for two nodes.
    manager("xcloud24_9876", ids[4]);
    manager("free%251", ids[4]);
    mark(4, "xcloud24_9876");
    mark(4, "free%251");
    // 5: a main task without its TaskInfo, made by a storage that tears.
    mark(5, "solo_1");
    manager("solo_1", ids[5]);
    file(storage, &format!("Compaction_V2/Scheduler/{}/Status.Init", ids[5]), b"");
    // 6: only marked. 7: untouched.
    mark(6, "solo_1");
    file(storage, "Compaction_V2/.staging/0000000000000000001-00000000000000aa/x/TaskInfo.solo.sales", b"half of");
    file(
        storage,
        "Compaction_V2/TaskupgradeLock",
        b"{\"run\":\"r\",\"operation\":\"upgrade\",\"host\":\"h\",\"pid\":1,\"since\":\"x\"}\n",
    );
    (maker.expected, maker.foreign)
}

/// The manifest's line of a task of the tree above, written by hand.
fn line_of(storage: &dyn Storage, seq: i32, id: &str) -> String {
    let ts = 1_617_693_156_000;
    let v1 = v1_bytes(&v1_task("p", seq, ts, StateV1::Init, ("sales", "solo")));
    let info = super::v1_files::bytes(storage, &format!("Compaction_V2/Scheduler/{id}/TaskInfo.solo.sales"));
    let sum = |bytes: &[u8]| format!("{:016x}", xxhash_rust::xxh64::xxh64(bytes, 0));
    format!(
        r#"{{"v1":"{}","v1_length":{},"v1_xxh64":"{}","v2":"{id}","v2_xxh64":"{}","state":"Init","pc":"solo","node":"solo_1","cancelled":false}}"#,
        v1_name("p", seq, ts, StateV1::Init),
        v1.len(),
        sum(&v1),
        sum(&info),
    )
}

/// A part of one line, with its sum.
pub fn part(line: &str) -> Vec<u8> {
    let head = r#"{"format":"comptask-upgrade/manifest/1","run":"0000000000000000001-00000000000000aa","library":"0.1.0","host":"h","begun":"2026-01-01T00:00:00Z","finished":"2026-01-01T00:00:00Z","pu_change_id":null}"#;
    let body = format!("{head}\n{line}\n");
    let sum = crc32c::crc32c(body.as_bytes());
    format!("{body}{{\"count\":1,\"crc32c\":\"{sum:08x}\"}}\n").into_bytes()
}
