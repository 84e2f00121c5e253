//! The phase of every combination of names in a tree, and what each operation does in each phase.

use comptask_upgrade::layout;
use comptask_upgrade::plan::phase::{choices, gate, phase, Gate, Phase, PhaseFacts};

use super::table;

/// The facts, each with the words for it, by the bits of a number.
fn facts_of(bits: usize) -> PhaseFacts {
    let bit = |number: usize| bits & (1 << number) != 0;
    PhaseFacts {
        recovery: bit(0),
        v1_deleting: bit(1),
        done: bit(2),
        upgrading: bit(3),
        reopen: bit(4),
        v1: bit(5),
        v1_tasks: bit(6),
        v2_tasks: bit(7),
    }
}

const FACTS: usize = 8;

fn words() -> [String; FACTS] {
    let code = |name: &str| format!("`{name}`");
    [
        code(layout::RECOVERY),
        code(layout::V1_DELETING),
        code(layout::DONE),
        code(layout::UPGRADING),
        code(&format!("{}/{}", layout::UPGRADING, layout::REOPEN)),
        code(layout::V1),
        "a V1 task".to_owned(),
        "a V2 task".to_owned(),
    ]
}

/// What a row of the table says of each fact: it is there, it is not, or that does not matter.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cube {
    /// The facts that matter.
    cares: usize,
    /// Of those, the ones that are there.
    there: usize,
}

impl Cube {
    fn holds(self, bits: usize) -> bool {
        bits & self.cares == self.there
    }
}

/// The fewest rows, found greedily, that hold all of `wanted` and none of `unwanted`; those that say less come first.
fn rows_for(wanted: &[usize], unwanted: &[usize]) -> Vec<Cube> {
    let all = (0..1 << FACTS).flat_map(|cares: usize| {
        (0..1 << FACTS).filter(move |there: &usize| there & !cares == 0).map(move |there| Cube { cares, there })
    });
    let fit: Vec<Cube> = all.filter(|cube| !unwanted.iter().any(|bits| cube.holds(*bits))).collect();
    let mut left = wanted.to_vec();
    let mut rows = Vec::new();
    while !left.is_empty() {
        let covers = |cube: &Cube| left.iter().filter(|bits| cube.holds(**bits)).count();
        let rank =
            |cube: &Cube| (covers(cube), FACTS - cube.cares.count_ones() as usize, std::cmp::Reverse(cube.cares));
        let best = *fit.iter().max_by_key(|cube| rank(cube)).unwrap();
        assert!(covers(&best) > 0, "a combination that no row can hold alone");
        left.retain(|bits| !best.holds(*bits));
        rows.push(best);
    }
    rows
}

/// The combinations that a tree can show, each with its phase; a task is in a tree, and `Reopen` in `Taskupgrade`.
fn possible() -> Vec<(usize, Option<Phase>)> {
    let all = (0..1 << FACTS).map(|bits| (bits, facts_of(bits)));
    let possible = all.filter(|(_, facts)| (facts.v1 || !facts.v1_tasks) && (facts.upgrading || !facts.reopen));
    possible.map(|(bits, facts)| (bits, phase(facts).ok())).collect()
}

/// The two tables.
pub fn drawn() -> String {
    let possible = possible();
    let mut rows = Vec::new();
    for wanted in Phase::ALL.into_iter().map(Some).chain([None]) {
        let of = |is: bool| -> Vec<usize> {
            possible.iter().filter(|(_, phase)| (*phase == wanted) == is).map(|(bits, _)| *bits).collect()
        };
        for cube in rows_for(&of(true), &of(false)) {
            let cell = |place: usize| match (cube.cares >> place & 1, cube.there >> place & 1) {
                (0, _) => "",
                (_, 1) => "yes",
                _ => "no",
            };
            let name = wanted.map_or("none fits: refused", Phase::word);
            rows.push([name].into_iter().chain((0..FACTS).map(cell)).map(str::to_owned).collect());
        }
    }
    let words = words();
    let head: Vec<&str> = ["phase"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let facts = table(&head, &rows);
    let rows: Vec<Vec<String>> = Phase::ALL
        .into_iter()
        .map(|phase| {
            let [upgrade, recovery, delete] = choices(phase).map(|(_, text)| text);
            let gate = match gate(phase) {
                Gate::UseV1 => "it uses V1",
                Gate::UseV2 => "it uses V2",
                Gate::DoNotStart => "it must not start",
            };
            vec![phase.word().to_owned(), upgrade, recovery, delete, gate.to_owned(), phase.next_action().to_owned()]
        })
        .collect();
    let choices =
        table(&["phase", "UPGRADE", "RECOVERY", "DELETE", "a node that asks the gate", "what to do next"], &rows);
    format!(
        "## The phase of a tree\n\nFrom `plan::phase::phase`, over the {} combinations that a tree can show. A phase is read \
         off what is there; each row fits by itself, and an empty cell does not matter.\n\n{facts}\n## What each \
         operation does in each phase\n\nFrom `plan::phase::choices`, `gate` and `next_action`. STATUS answers in every \
         phase.\n\n{choices}\n",
        possible.len()
    )
}
