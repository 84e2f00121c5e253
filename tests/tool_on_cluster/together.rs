//! Two tools that are started at the same moment on one tree.

use comptask_upgrade::ErrorKind;

use crate::scenes;
use crate::servers::Servers;
use crate::tool::Call;

const PAIRS: usize = 5;

#[test]
fn of_two_that_start_together_one_works_and_the_other_names_it() {
    let servers = Servers::shared();
    let scene = scenes::upgrade(scenes::FEW);
    let said = std::sync::Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..PAIRS {
            scope.spawn(|| {
                let tree = scene.plant(&servers);
                let both = [Call::upgrade().start(&tree), Call::upgrade().start(&tree)];
                let [left, right] = both.map(crate::tool::Tool::end);
                let (worked, refused) = if left.code == Some(0) { (left, right) } else { (right, left) };
                worked.assert_success("one of two");
                let holder = format!("process {}", worked.process);
                said.lock().unwrap().clone_from(&refused.stderr);
                refused.assert_failed(ErrorKind::Locked, &["another run holds the lock", &holder, "next: "]);
                tree.assert_is(&scene.end, "after two runs at once");
            });
        }
    });
    println!("{}", said.into_inner().unwrap());
    println!("{PAIRS} pairs: one worked, the other named it");
}
