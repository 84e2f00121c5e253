//! What is this client's own; the rest is in the suite that both have to pass.

use std::ops::ControlFlow;

use super::super::hdfs::testing::*;
use super::*;

fn open(uri: &str, pairs: &[(&str, &str)]) -> Result<Box<dyn Storage>> {
    Ok(Box::new(HdfsNativeStorage::open(uri, &options(pairs))?))
}

tests_of_a_client!(open);

#[test]
fn a_listing_that_broke_off_goes_on_behind_the_last_name() {
    let hdfs = shared();
    let root = new_root(&hdfs, open);
    let storage = HdfsNativeStorage::open(&root, &HdfsOptions::default()).unwrap();
    let changes: Vec<Change> = (0..2_500).map(|number| create(&format!("f{number:04}"), b"")).collect();
    assert!(apply_all(&storage, &changes).iter().all(Result::is_ok));
    let listing = Arc::new(Mutex::new(Listing::new()));
    let mut names = Vec::new();
    loop {
        let page =
            only(storage.reads(&[TreePath::root()], 1, true, |calls, folder| {
                Box::pin(calls.page(folder, Arc::clone(&listing)))
            }))
            .unwrap();
        names.extend(page.entries.into_iter().map(|entry| entry.name));
        if page.is_last {
            break;
        }
        // As a failure does: the client's place is lost.
        listing.lock().forget_place();
    }
    assert_eq!(names, (0..2_500).map(|number| format!("f{number:04}")).collect::<Vec<_>>());
}

#[test]
fn a_listing_is_in_the_order_by_which_it_is_taken_up_again() {
    let hdfs = shared();
    let storage = new_storage(&hdfs, open, &[]);
    let name = |number: usize| if number % 2 == 0 { format!("文{number}") } else { format!("f{number}") };
    let changes: Vec<Change> = (0..1_500).map(|number| create(&name(number), b"")).collect();
    assert!(apply_all(&*storage, &changes).iter().all(Result::is_ok));
    let mut listed = Vec::new();
    let every = &mut |entry: crate::tree::Entry| {
        listed.push(entry.name);
        ControlFlow::Continue(())
    };
    storage.list(&TreePath::root(), every).unwrap();
    assert!(calls::tests::are_in_listing_order(&listed));
}
