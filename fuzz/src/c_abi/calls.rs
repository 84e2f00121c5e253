//! One step of a script is one call of an export, with arguments that the script chooses.

use std::ffi::{c_char, c_void, CStr};
use std::ptr::{null, null_mut};

use comptask_upgrade::c_abi::{
    self as abi, ctu_buffer, ctu_code, ctu_config, ctu_error, ctu_job, ctu_progress, ctu_report, ctu_report_row,
    ctu_run_options, ctu_session, ctu_task, ctu_task_v1, ctu_task_v2,
};
use comptask_upgrade::task::{RepeatInfo, ResultInfo, StateV1, TaskIdV1, TaskV1};
use comptask_upgrade::{Codec, DefaultCodec};

use super::host::{self, Host};
use super::script::{Script, Struct, Text};

/// The most objects of a kind that a script has at a time.
const OBJECTS_LIMIT: usize = 3;

/// The bytes of a V1 task that a script may find in the tree.
pub fn sample_v1(pu: u8, number: u8) -> Vec<u8> {
    let task = TaskV1 {
        task_id: TaskIdV1 {
            receive_pu: format!("p{pu}"),
            sequence_no: i32::from(number % 4),
            receive_ts: format!("16176931560{number:02}").parse().unwrap_or_default(),
        },
        state: StateV1::ALL[usize::from(number % 4)],
        repeat_flag: true,
        sub_task_flag: false,
        repeat_info: RepeatInfo { repeat_count: 3, repeat_interval: -1 },
        result_info: ResultInfo { success_count: 2, failed_count: 1 },
        db_name: "d".to_owned(),
        schema_name: format!("s{}", number % 3),
        table_name: "t".to_owned(),
        partition_name: String::new(),
    };
    DefaultCodec.encode_v1(&task).expect("a task can be encoded")
}

/// Objects of one kind that were made and not freed.
struct Made<T> {
    objects: Vec<*mut T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Made<T> {
    fn new(free: unsafe extern "C" fn(*mut T)) -> Self {
        Self { objects: Vec::new(), free }
    }

    /// One of them, or NULL: where there is none, and now and then.
    fn pick(&self, script: &mut Script) -> *mut T {
        let choice = usize::from(script.byte());
        if self.objects.is_empty() || choice == 255 {
            return null_mut();
        }
        self.objects[choice % self.objects.len()]
    }

    /// Keeps what was made; the oldest goes where there are too many.
    fn keep(&mut self, object: *mut T) {
        if object.is_null() {
            return;
        }
        if self.objects.len() == OBJECTS_LIMIT {
            let oldest = self.objects.remove(0);
            // SAFETY: made by the library, and forgotten here.
            unsafe { (self.free)(oldest) };
        }
        self.objects.push(object);
    }

    /// Frees one of them, or NULL.
    fn free_one(&mut self, script: &mut Script) {
        let object = self.pick(script);
        self.objects.retain(|other| *other != object);
        // SAFETY: NULL, or made by the library and forgotten here.
        unsafe { (self.free)(object) };
    }

    fn free_all(&mut self) {
        for object in self.objects.drain(..) {
            // SAFETY: made by the library, and forgotten here.
            unsafe { (self.free)(object) };
        }
    }
}

/// The objects of a script.
pub struct Calls<'a> {
    host: &'a Host,
    configs: Made<ctu_config>,
    sessions: Made<ctu_session>,
    jobs: Made<ctu_job>,
    reports: Made<ctu_report>,
    tasks: Made<ctu_task>,
}

/// Fails where a text that C gets is none.
fn text(pointer: *const c_char) -> String {
    assert!(!pointer.is_null());
    // SAFETY: the library gives out NUL-ended texts.
    unsafe { CStr::from_ptr(pointer) }.to_str().expect("the library gives out UTF-8").to_owned()
}

/// A place for an answer, NULL now and then, and full of what was there before.
struct Out<T> {
    place: *mut T,
    wanted: bool,
}

impl<T> Out<T> {
    fn new(script: &mut Script) -> Self {
        Self { place: std::ptr::dangling_mut(), wanted: !script.rarely() }
    }

    fn pointer(&mut self) -> *mut *mut T {
        if self.wanted {
            &raw mut self.place
        } else {
            null_mut()
        }
    }

    /// What came; NULL is all that may come with a failure, but for a report.
    fn taken(self, code: ctu_code, also_on_failure: bool) -> *mut T {
        if !self.wanted {
            assert_ne!(code, abi::CTU_OK, "there was no place for the answer");
            return null_mut();
        }
        assert!(code == abi::CTU_OK || also_on_failure || self.place.is_null(), "an answer came with code {code}");
        assert!(code != abi::CTU_OK || !self.place.is_null(), "success came without an answer");
        self.place
    }
}

impl<'a> Calls<'a> {
    pub fn new(host: &'a Host) -> Self {
        Self {
            host,
            configs: Made::new(abi::ctu_config_free),
            sessions: Made::new(abi::ctu_session_free),
            jobs: Made::new(abi::ctu_job_free),
            reports: Made::new(abi::ctu_report_free),
            tasks: Made::new(abi::ctu_task_free),
        }
    }

    /// Frees all, the sessions before what runs in them.
    pub fn free_all(&mut self) {
        self.configs.free_all();
        self.sessions.free_all();
        self.jobs.free_all();
        self.reports.free_all();
        self.tasks.free_all();
    }

    /// The next call.
    pub fn step(&mut self, script: &mut Script) {
        // SAFETY: the script keeps the rules of the header; what it breaks is what the header says is refused.
        unsafe {
            match script.byte() % 32 {
                0 => self.configs.keep(abi::ctu_config_new()),
                1 => self.ready_config(script),
                2..=4 => self.configure(script),
                5 => self.set_table(script),
                6..=7 => self.open(script),
                8..=11 => self.run(script),
                12..=13 => self.start_job(script),
                14..=15 => self.use_job(script),
                16..=18 => self.use_session(script),
                19..=20 => self.use_marks(script),
                21..=22 => self.look_at_report(script),
                23 => self.encode(script),
                24 => self.decode(script),
                25 => self.view(script),
                26 => self.parse(script),
                27 => self.free(script),
                28 => Self::nothing(script),
                _ => self.host.meddle(script),
            }
        }
    }

    /// The code of an answer, whose error is looked at and freed.
    unsafe fn settle(&self, error: *mut ctu_error) -> ctu_code {
        // SAFETY: NULL, or an error that the library gave out.
        unsafe {
            let code = abi::ctu_error_code(error);
            assert_eq!(code == abi::CTU_OK, error.is_null(), "code {code}");
            let message = text(abi::ctu_error_message(error));
            if code != abi::CTU_OK {
                assert!(!message.is_empty() && !text(abi::ctu_error_next_action(error)).is_empty(), "{message:?}");
            }
            // A host that keeps the contract never meets a defect of the library.
            assert!(code != abi::CTU_INTERNAL || self.host.misbehaved(), "{message}");
            text(abi::ctu_error_path(error));
            text(abi::ctu_error_task(error));
            abi::ctu_error_free(error);
            code
        }
    }

    /// A config with all that a run needs, as a script of random bytes would hardly ever put one together.
    unsafe fn ready_config(&mut self, script: &mut Script) {
        // SAFETY: as in `step`.
        unsafe {
            let config = abi::ctu_config_new();
            for table in 0..5 {
                self.hand_table(config, table, |_, _| (), script);
            }
            if script.even() {
                self.settle(abi::ctu_config_liveness_assume_offline(config));
            }
            self.configs.keep(config);
        }
    }

    unsafe fn set_table(&mut self, script: &mut Script) {
        let config = self.configs.pick(script);
        let (table, hole) = (script.byte() % 5, script.byte());
        // A function that is missing: one word of the table, past its size, is zero.
        let without = |table: *mut usize, words: usize| {
            if hole >= 192 {
                // SAFETY: within the table.
                unsafe { table.add(1 + usize::from(hole) % (words - 1)).write(0) };
            }
        };
        // SAFETY: as in `step`.
        unsafe { self.hand_table(config, table, without, script) };
    }

    /// Hands the library one of the host's tables, changed by `change`.
    unsafe fn hand_table(
        &mut self,
        config: *mut ctu_config,
        which: u8,
        change: impl Fn(*mut usize, usize),
        script: &mut Script,
    ) {
        unsafe fn hand<T>(
            calls: &Calls,
            mut table: T,
            change: impl Fn(*mut usize, usize),
            (script, release_at): (&mut Script, usize),
            set: impl FnOnce(*const T, *mut c_void) -> *mut ctu_error,
        ) {
            let words = (&raw mut table).cast::<usize>();
            change(words, size_of::<T>() / size_of::<usize>());
            let mut place = script.read_struct(&table);
            // SAFETY: within the table, or what the library reads as zero where the struct is shorter.
            let is_released = unsafe { words.byte_add(release_at).read() } != 0 && place.holds(release_at);
            let handed = calls.host.hand(is_released);
            // SAFETY: as in `step`.
            unsafe {
                if calls.settle(set(place.place(), handed.cast())) == abi::CTU_OK {
                    Host::accept(handed);
                }
            }
        }
        // SAFETY: as in `step`.
        unsafe {
            match which {
                0 => hand(
                    self,
                    abi::ctu_storage_vtable {
                        struct_size: 0,
                        max_concurrency: [1, 1, 3, 0][usize::from(script.byte() % 4)],
                        list: Some(host::list),
                        stat: Some(host::stat),
                        read: Some(host::read),
                        create: Some(host::create),
                        mkdir: Some(host::mkdir),
                        rename: Some(host::rename),
                        remove: Some(host::remove),
                        release: Some(host::release),
                    },
                    change,
                    (script, std::mem::offset_of!(abi::ctu_storage_vtable, release)),
                    |table, data| abi::ctu_config_storage(config, table, data),
                ),
                1 => hand(
                    self,
                    abi::ctu_lock_vtable {
                        struct_size: 0,
                        acquire: Some(host::acquire),
                        check: Some(host::check),
                        release_lock: Some(host::release_lock),
                        release: Some(host::release),
                        confirm: Some(host::check),
                    },
                    change,
                    (script, std::mem::offset_of!(abi::ctu_lock_vtable, release)),
                    |table, data| abi::ctu_config_lock(config, table, data),
                ),
                2 => hand(
                    self,
                    abi::ctu_catalog_vtable {
                        struct_size: 0,
                        schema_pcs: Some(host::schema_pcs),
                        cluster_pcs: Some(host::cluster_pcs),
                        pc_nodes: Some(host::pc_nodes),
                        cluster_nodes: Some(host::cluster_nodes),
                        release: Some(host::release),
                    },
                    change,
                    (script, std::mem::offset_of!(abi::ctu_catalog_vtable, release)),
                    |table, data| abi::ctu_config_catalog(config, table, data),
                ),
                3 => hand(
                    self,
                    abi::ctu_liveness_vtable {
                        struct_size: 0,
                        online_nodes: Some(host::online_nodes),
                        change_id: Some(host::change_id),
                        release: Some(host::release),
                    },
                    change,
                    (script, std::mem::offset_of!(abi::ctu_liveness_vtable, release)),
                    |table, data| abi::ctu_config_liveness(config, table, data),
                ),
                _ => hand(
                    self,
                    abi::ctu_codec_vtable {
                        struct_size: 0,
                        decode_v1: Some(host::decode_v1),
                        encode_v1: Some(host::encode_v1),
                        decode_v2: Some(host::decode_v2),
                        encode_v2: Some(host::encode_v2),
                        release: Some(host::release),
                    },
                    change,
                    (script, std::mem::offset_of!(abi::ctu_codec_vtable, release)),
                    |table, data| abi::ctu_config_codec(config, table, data),
                ),
            }
        }
    }

    unsafe fn configure(&mut self, script: &mut Script) {
        let config = self.configs.pick(script);
        let (one, two) = (script.text(), script.text());
        let (one, two) = (one.pointer(), two.pointer());
        // SAFETY: as in `step`.
        unsafe {
            self.settle(match script.byte() % 11 {
                // A root on the disk would be one of this machine's.
                0 => abi::ctu_config_root(config, c"/nonexistent/comptask".as_ptr()),
                1 => {
                    abi::ctu_config_root(config, [null(), c"".as_ptr(), c"s3://x".as_ptr()][script.byte() as usize % 3])
                }
                2 => abi::ctu_config_hdfs_client(config, one),
                3 => abi::ctu_config_hdfs_option(config, one, two),
                4 => abi::ctu_config_lock_zookeeper(config, one, two, script.byte().into()),
                5 => abi::ctu_config_zookeeper_option(config, one, two),
                6 => abi::ctu_config_catalog_file(config, one),
                7 => abi::ctu_config_liveness_zookeeper(config, one, two),
                8 => abi::ctu_config_liveness_file(config, one),
                9 => abi::ctu_config_liveness_assume_offline(config),
                _ => {
                    let log = (script.byte() >= 64).then_some(host::log as _);
                    let level = i32::try_from(script.number()).unwrap_or(-1);
                    abi::ctu_config_log(config, log, self.host.hand(false).cast(), level)
                }
            });
        }
    }

    unsafe fn open(&mut self, script: &mut Script) {
        let mut out = Out::new(script);
        // SAFETY: as in `step`.
        unsafe {
            let code = self.settle(abi::ctu_session_open(self.configs.pick(script), out.pointer()));
            self.sessions.keep(out.taken(code, false));
        }
    }

    fn options(&self, script: &mut Script) -> Option<Struct> {
        if script.byte() < 64 {
            return None;
        }
        let flags = if script.rarely() { u32::from(script.byte()) } else { u32::from(script.byte() & 31) };
        let options = ctu_run_options {
            struct_size: 0,
            flags,
            in_flight: u32::from(script.byte() % 5),
            recovery_mode: i32::from(script.byte() % 5),
            placement: i32::from(script.byte() % 4),
            progress: Some(host::progress),
            progress_user_data: self.host.hand(false).cast(),
        };
        let mut place = script.read_struct(&options);
        // A struct that ends before the user data hands none over, and so hears of progress without it.
        if place.is_sized() && !place.holds(std::mem::offset_of!(ctu_run_options, progress_user_data)) {
            // SAFETY: a place is larger than any struct of the ABI, and aligned.
            unsafe { (*place.place::<ctu_run_options>()).progress = Some(host::progress_without_data) };
        }
        Some(place)
    }

    fn operation(script: &mut Script) -> i32 {
        match script.byte() {
            254..=255 => i32::try_from(script.number()).unwrap_or(-1),
            choice => [0, 1, 1, 2, 2, 3][usize::from(choice) % 6],
        }
    }

    unsafe fn run(&mut self, script: &mut Script) {
        let session = self.sessions.pick(script);
        let (op, mut options, mut out) = (Self::operation(script), self.options(script), Out::new(script));
        let options = options.as_mut().map_or(null(), |options| options.place::<ctu_run_options>().cast_const());
        // SAFETY: as in `step`.
        unsafe {
            let code = self.settle(abi::ctu_run(session, op, options, out.pointer()));
            self.reports.keep(out.taken(code, true));
        }
    }

    unsafe fn start_job(&mut self, script: &mut Script) {
        let session = self.sessions.pick(script);
        let (op, mut options, mut out) = (Self::operation(script), self.options(script), Out::new(script));
        let options = options.as_mut().map_or(null(), |options| options.place::<ctu_run_options>().cast_const());
        // SAFETY: as in `step`.
        unsafe {
            let code = self.settle(abi::ctu_job_start(session, op, options, out.pointer()));
            self.jobs.keep(out.taken(code, false));
        }
    }

    unsafe fn use_job(&mut self, script: &mut Script) {
        let job = self.jobs.pick(script);
        // SAFETY: as in `step`.
        unsafe {
            match script.byte() % 4 {
                0 => abi::ctu_job_cancel(job),
                1 => assert!(abi::ctu_job_done(job) || !job.is_null()),
                2 => {
                    let mut place = script.filled_struct::<ctu_progress>();
                    let code = self.settle(abi::ctu_job_progress(job, place.place()));
                    place.check_guard();
                    if code == abi::CTU_OK && place.is_whole::<ctu_progress>() {
                        text((*place.place::<ctu_progress>()).current);
                    }
                }
                _ => {
                    let mut out = Out::new(script);
                    let code = self.settle(abi::ctu_job_wait(job, out.pointer()));
                    assert!(code == abi::CTU_INVALID_ARGUMENT || abi::ctu_job_done(job));
                    self.reports.keep(out.taken(code, true));
                }
            }
        }
    }

    unsafe fn use_session(&mut self, script: &mut Script) {
        let session = self.sessions.pick(script);
        // SAFETY: as in `step`.
        unsafe {
            match script.byte() % 6 {
                0 => abi::ctu_session_cancel(session),
                1 => drop(self.settle(abi::ctu_session_lock(session))),
                2 => drop(self.settle(abi::ctu_session_unlock(session))),
                3 => drop(self.settle(abi::ctu_session_close(session))),
                4 => drop(self.settle(abi::ctu_session_check_all_offline(session, Self::operation(script)))),
                _ => {
                    let (node, mut verdict) = (script.text(), -7);
                    let out = if script.rarely() { null_mut() } else { &raw mut verdict };
                    let code = self.settle(abi::ctu_node_gate(session, node.pointer(), out));
                    if !out.is_null() {
                        assert_eq!(code == abi::CTU_OK, (1..=3).contains(&verdict), "verdict {verdict}");
                        assert!(code == abi::CTU_OK || verdict == 0, "verdict {verdict}");
                    }
                }
            }
        }
    }

    unsafe fn use_marks(&mut self, script: &mut Script) {
        let session = self.sessions.pick(script);
        let (base, node) = (script.text(), script.text());
        let (base, node) = (base.pointer(), node.pointer());
        // SAFETY: as in `step`.
        unsafe {
            self.settle(match script.byte() % 6 {
                0 => abi::ctu_mark_upgrading(session, base, node),
                1 => abi::ctu_mark_upgraded(session, base, node),
                2 => abi::ctu_mark_remove(session, base),
                3 => abi::ctu_mark_all_upgraded(session),
                4 => abi::ctu_mark_clear_all(session),
                _ => {
                    let mut upgraded = true;
                    let error = abi::ctu_mark_is_upgraded(session, base, &raw mut upgraded);
                    assert!(error.is_null() || !upgraded);
                    error
                }
            });
        }
    }

    unsafe fn look_at_report(&mut self, script: &mut Script) {
        let report = self.reports.pick(script);
        // SAFETY: as in `step`.
        unsafe {
            assert!((-1..=7).contains(&abi::ctu_report_phase(report)));
            let counts = [
                abi::ctu_report_converted(report),
                abi::ctu_report_skipped(report),
                abi::ctu_report_cancelled(report),
                abi::ctu_report_failed(report),
                abi::ctu_report_left(report),
            ];
            assert_eq!(counts.iter().sum::<u64>(), abi::ctu_report_total(report), "{counts:?}");
            abi::ctu_report_warnings(report);
            let summary = text(abi::ctu_report_summary(report));
            assert_eq!(summary.is_empty(), report.is_null());
            let overview = text(abi::ctu_report_overview(report));
            assert!(overview.len() <= summary.len(), "{overview}");
            let json = text(abi::ctu_report_json(report));
            assert!(report.is_null() || json.starts_with('{'), "{json}");
            let picture = text(abi::ctu_report_picture(report));
            let is_status = json.contains("\n  \"operation\": \"status\",");
            assert_eq!(picture.is_empty(), !is_status, "{json}");
            let count = abi::ctu_report_task_count(report);
            let index = if script.rarely() { usize::MAX } else { usize::from(script.byte()) };
            let mut place = script.filled_struct::<ctu_report_row>();
            let code = self.settle(abi::ctu_report_task(report, index, place.place()));
            place.check_guard();
            assert_eq!(code == abi::CTU_OK, index < count && place.is_sized(), "row {index} of {count}");
            if code == abi::CTU_OK && place.is_whole::<ctu_report_row>() {
                let row: *const ctu_report_row = place.place();
                for pointer in
                    [(*row).v1_name, (*row).v2_id, (*row).pc, (*row).node, (*row).outcome, (*row).detail, (*row).reason]
                {
                    text(pointer);
                }
            }
        }
    }

    unsafe fn encode(&mut self, script: &mut Script) {
        let texts: [Text; 10] = std::array::from_fn(|_| script.text());
        let text = texts.each_ref().map(Text::pointer);
        let mut out = Out::<ctu_buffer>::new(script);
        let is_v1 = script.even();
        let number = |script: &mut Script| i32::try_from(script.number()).unwrap_or(-1);
        let count = |script: &mut Script| u32::try_from(script.number()).unwrap_or(u32::MAX);
        // SAFETY: as in `step`; zero is valid for the structs, and a bool of them is written as the byte it is.
        unsafe {
            let (error, is_null) = if is_v1 {
                let task = ctu_task_v1 {
                    struct_size: 0,
                    receive_pu: text[0],
                    sequence_no: number(script),
                    receive_ts: script.number().cast_unsigned(),
                    state: number(script),
                    repeat_flag: script.even(),
                    sub_task_flag: false,
                    repeat_count: number(script),
                    repeat_interval: number(script),
                    success_count: count(script),
                    failed_count: count(script),
                    db_name: text[1],
                    schema_name: text[2],
                    table_name: text[3],
                    partition_name: text[4],
                };
                let mut place = script.read_struct(&task);
                place.set_bool(std::mem::offset_of!(ctu_task_v1, sub_task_flag), script);
                let is_null = script.rarely();
                let task = if is_null { null_mut() } else { place.place() };
                (abi::ctu_task_v1_encode(task, out.pointer()), is_null)
            } else {
                let task = ctu_task_v2 {
                    struct_size: 0,
                    query_id: text[0],
                    sequence_no: number(script),
                    receive_pu: text[1],
                    state: number(script),
                    optimizat_db_name: text[2],
                    optimizat_pc_name: text[3],
                    repeat_flag: script.even(),
                    sub_task_flag: script.even(),
                    sync_task_flag: false,
                    repeat_count: number(script),
                    repeat_interval: number(script),
                    success_count: count(script),
                    failed_count: count(script),
                    db_name: text[4],
                    schema_name: text[5],
                    table_name: text[6],
                    partition_name: text[7],
                    pc_name: text[8],
                    executenode: text[9],
                    compact_filesize_threshold: script.number(),
                    compact_group_num: number(script),
                };
                let mut place = script.read_struct(&task);
                place.set_bool(std::mem::offset_of!(ctu_task_v2, sync_task_flag), script);
                let is_null = script.rarely();
                let task = if is_null { null_mut() } else { place.place() };
                (abi::ctu_task_v2_encode(task, out.pointer()), is_null)
            };
            let code = self.settle(error);
            assert!(code != abi::CTU_OK || !is_null);
            let buffer = out.taken(code, false);
            if code == abi::CTU_OK {
                let (bytes, length) = (abi::ctu_buffer_data(buffer), abi::ctu_buffer_len(buffer));
                assert_eq!(bytes.add(length).read(), 0, "a NUL follows");
                let (mut task, decode) = (null_mut(), [abi::ctu_task_v2_decode, abi::ctu_task_v1_decode]);
                let code = self.settle(decode[usize::from(is_v1)](bytes, length, &raw mut task));
                assert_eq!(code, abi::CTU_OK, "what was encoded can be decoded");
                self.tasks.keep(task);
            }
            abi::ctu_buffer_free(buffer);
        }
    }

    unsafe fn decode(&mut self, script: &mut Script) {
        let bytes = match script.byte() % 4 {
            0 => script.bytes().to_vec(),
            1 => crate::sealed(b"CTK1", script.bytes()),
            2 => crate::sealed(b"CTK2", script.bytes()),
            _ => sample_v1(0, script.byte() % 100),
        };
        let data = if script.rarely() { null() } else { bytes.as_ptr() };
        let mut out = Out::new(script);
        let decode = [abi::ctu_task_v1_decode, abi::ctu_task_v2_decode][usize::from(script.byte() % 2)];
        // SAFETY: as in `step`.
        unsafe {
            let code = self.settle(decode(data, bytes.len(), out.pointer()));
            self.tasks.keep(out.taken(code, false));
        }
    }

    unsafe fn view(&mut self, script: &mut Script) {
        let task = self.tasks.pick(script);
        // SAFETY: as in `step`.
        unsafe {
            if script.even() {
                let mut place = script.filled_struct::<ctu_task_v1>();
                let code = self.settle(abi::ctu_task_v1_view(task, place.place()));
                place.check_guard();
                if code == abi::CTU_OK && place.is_whole::<ctu_task_v1>() {
                    text((*place.place::<ctu_task_v1>()).partition_name);
                }
            } else {
                let mut place = script.filled_struct::<ctu_task_v2>();
                let code = self.settle(abi::ctu_task_v2_view(task, place.place()));
                place.check_guard();
                if code == abi::CTU_OK && place.is_whole::<ctu_task_v2>() {
                    text((*place.place::<ctu_task_v2>()).executenode);
                }
            }
        }
    }

    unsafe fn parse(&mut self, script: &mut Script) {
        let (word, mut out, mut state) = (script.text(), Out::<ctu_buffer>::new(script), -9);
        // SAFETY: as in `step`.
        unsafe {
            let code = match script.byte() % 4 {
                0 => {
                    assert!((0..=4).contains(&abi::ctu_op_parse(word.pointer())));
                    return;
                }
                2 => {
                    let other = script.text();
                    let language = if script.even() { c"zh_CN".as_ptr() } else { other.pointer() };
                    self.settle(abi::ctu_text_translate(word.pointer(), language, out.pointer()))
                }
                1 => self.settle(abi::ctu_task_v2_id(
                    word.pointer(),
                    u32::try_from(script.number()).unwrap_or(u32::MAX),
                    out.pointer(),
                )),
                _ => {
                    let place = if script.rarely() { null_mut() } else { &raw mut state };
                    let code = self.settle(abi::ctu_task_v1_parse_name(word.pointer(), out.pointer(), place));
                    assert!(place.is_null() || (code == abi::CTU_OK) == (0..=3).contains(&state), "state {state}");
                    code
                }
            };
            let buffer = out.taken(code, false);
            if !buffer.is_null() {
                text(abi::ctu_buffer_data(buffer).cast());
            }
            abi::ctu_buffer_free(buffer);
        }
    }

    unsafe fn free(&mut self, script: &mut Script) {
        match script.byte() % 5 {
            0 => self.configs.free_one(script),
            1 => self.sessions.free_one(script),
            2 => self.jobs.free_one(script),
            3 => self.reports.free_one(script),
            _ => self.tasks.free_one(script),
        }
    }

    /// The calls that take nothing, and those of a reply where there is none.
    unsafe fn nothing(script: &mut Script) {
        let word = script.text();
        // SAFETY: NULL is fine in each.
        unsafe {
            assert_eq!(abi::ctu_abi_version(), abi::CTU_ABI_VERSION);
            text(abi::ctu_version());
            assert!(abi::ctu_buffer_data(null()).is_null() && abi::ctu_buffer_len(null()) == 0);
            abi::ctu_reply_message(null_mut(), word.pointer());
            abi::ctu_reply_bytes(null_mut(), null(), 0);
            abi::ctu_reply_entry(null_mut(), word.pointer(), false, 0, 0);
            abi::ctu_reply_name(null_mut(), word.pointer());
            abi::ctu_reply_task_v1(null_mut(), null());
            abi::ctu_reply_task_v2(null_mut(), null());
        }
    }
}
