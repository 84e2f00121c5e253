//! The names of runs in a text, which differ from run to run.

/// A text with `RUN` for the name of every run: 19 digits, a hyphen and 16 hex digits.
pub fn same_run(text: &str) -> String {
    let mut same = String::new();
    let mut rest = text;
    while let Some(hyphen) = rest.find('-') {
        let is_run = |begin: usize| {
            let digits = rest.get(begin..hyphen).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            let hex = rest.get(hyphen + 1..hyphen + 17).is_some_and(|part| part.bytes().all(|b| b.is_ascii_hexdigit()));
            digits && hex
        };
        if let Some(begin) = hyphen.checked_sub(19).filter(|begin| is_run(*begin)) {
            same.push_str(&rest[..begin]);
            same.push_str("RUN");
            rest = &rest[hyphen + 17..];
        } else {
            same.push_str(&rest[..=hyphen]);
            rest = &rest[hyphen + 1..];
        }
    }
    same + rest
}

#[test]
fn only_the_names_of_runs_are_replaced() {
    let run = "1764331200000000000-00000000000000ab";
    assert_eq!(same_run(&format!("a-b/{run}.fence and {run}")), "a-b/RUN.fence and RUN");
    for other in ["1764331200000000000-00000000000000zz", "764331200000000000-00000000000000ab", "", "-", "é-"] {
        assert_eq!(same_run(other), other);
    }
}
