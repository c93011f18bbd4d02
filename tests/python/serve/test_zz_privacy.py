"""The last of these tests: nothing that a server wrote while they ran holds a word of a comment."""

from serving import MARK, WRITTEN


def test_no_log_line_and_no_metric_of_the_whole_run_holds_a_comments_text():
    written = "".join(WRITTEN)
    # It is the run's whole output, at the level that logs every call, and the metrics.
    assert written.count('"code":"OK"') > 100
    assert written.count("postloan_calls_total") > 5
    for word in [MARK, MARK[:2], "失联", "\\u7389\\u7459", "%E7%8E%89"]:
        assert word not in written
