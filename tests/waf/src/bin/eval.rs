//! tmp
use waf_eval::*;
fn main() {
    let python = oracle::python().unwrap();
    let tests = corpus::ftw::read(&corpus::data().join("crs-3.3.4-tests")).unwrap();
    let requests: Vec<_> = tests.iter().map(|test| &test.request).collect();
    let answers = oracle::run(&python, &rules::Rules::regression(), &requests, 2).unwrap();
    let mut pass = 0;
    for (test, answer) in tests.iter().zip(&answers) {
        match regression::outcome(test, answer) {
            regression::Outcome::Pass => pass += 1,
            other => println!(
                "{} {} {other:?} {:?} {:?} | {}",
                test.file,
                test.title,
                test.status,
                answer.rules,
                &test.request.line().chars().take(300).collect::<String>()
            ),
        }
    }
    println!("{pass}");
}
