"""The page in a browser: plots, filters, sorting; nothing asked for, nothing gone wrong."""

import json
import shutil
from dataclasses import replace

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from synth.study.curves import front
from synth.study.data import Study
from synth.study.files import compared, contents
from tests.synth.study.small import small


pytestmark = pytest.mark.long

PLOTS = ("plot-area", "plot-energy", "plot-throughput", "plot-parts", "plot-time",
         "plot-token-energy")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window, and the driver that comes with it: ``.ci/run`` installs both."""
    assert shutil.which("chromedriver"), "chromedriver is missing: apt-get install chromium-driver"
    options = ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--window-size=1400,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def study():
    made = small()
    return compared(made)


@pytest.fixture
def page(browser, study, tmp_path):
    return shown(browser, study, tmp_path)


def shown(browser, study, folder):
    path = folder / "study.html"
    path.write_text(contents(study, ["html"])["study.html"])
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(path.as_uri())
    return browser


def requests(browser):
    """Addresses that the page has asked for."""
    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    return found


def points(page, plot, name=None):
    """Coordinates that a plot shows, of one trace or of all but the front."""
    return page.execute_script(
        "return document.getElementById(arguments[0]).data.filter(trace => arguments[1] ? "
        "trace.name === arguments[1] : trace.name !== 'Pareto front')"
        ".flatMap(trace => trace.x.map((x, k) => [x, trace.y[k]]))", plot, name)


def column(page, table, title):
    """Cells below a heading."""
    heads = [cell.text for cell in page.find_elements(By.CSS_SELECTOR, f"#{table} thead th")]
    number = next(k for k, text in enumerate(heads, start=1) if text.split("\n")[0] == title)
    return [cell.text for cell in page.find_elements(
        By.CSS_SELECTOR, f"#{table} tbody td:nth-child({number})")]


def press(page, table, title):
    next(button for button in page.find_elements(By.CSS_SELECTOR, f"#{table} thead button")
         if button.text == title).click()


def box(page, name, value):
    return page.find_element(By.CSS_SELECTOR, f"#filters input[name={name}][value='{value}']")


def test_every_plot_is_drawn_without_a_request_or_an_error(page):
    for plot in PLOTS:
        place = page.find_element(By.ID, plot)
        assert place.find_elements(By.CSS_SELECTOR, "svg.main-svg"), plot
        assert place.find_elements(By.CSS_SELECTOR, ".point"), plot
    assert page.get_log("browser") == []
    asked = requests(page)
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert len([address for address in asked if address.startswith("file:")]) == 1


def test_points_are_the_figures_and_the_front_is_that_of_python(page, study):
    expected = sorted((row["relative_whole"], 0.4 if row["pattern"] == "2:4" else
                       {"4:8": 0.3, "8:16": 0.2, "16:32": 0.19}[row["pattern"]])
                      for row in study.designs
                      if row["design"] == "accelerator" and not row["dense"])
    assert sorted(map(tuple, points(page, "plot-area"))) == expected
    assert points(page, "plot-area", "Pareto front") == [list(point) for point in front(expected)]


def test_hover_tells_the_whole_configuration(page):
    text = page.execute_script(
        "return document.getElementById('plot-area').data.find(t => t.name === '2:4').text[0]")
    for words in ("accelerator 2:4", "on cells (asic)", "int8, mapped for area", "selector rank",
                  "columns 8", "700 GE", "longest path 20 ns", "loss 0.4 nats a token"):
        assert words in text


def test_filters_change_plots_and_table_and_come_back(page):
    before = points(page, "plot-area")
    assert "9 of 11 designs" in page.find_element(By.ID, "shown").text
    box(page, "technology", "other</script>").click()
    box(page, "selector", "radix").click()
    assert len(points(page, "plot-area")) == len(before) - 2
    assert set(column(page, "table-designs", "technology")) == {"cells"}
    assert "radix" not in column(page, "table-designs", "selector")
    box(page, "design", "pe").click()
    assert "pe" in column(page, "table-designs", "design")
    page.find_element(By.CSS_SELECTOR, "#filters [type=reset]").click()
    page.execute_async_script("setTimeout(arguments[0], 50)")
    assert points(page, "plot-area") == before


def test_no_row_is_left_when_nothing_is_chosen(page):
    for name in ("cells", "other</script>"):
        box(page, "technology", name).click()
    assert points(page, "plot-area") == []
    assert "0 of 11" in page.find_element(By.ID, "shown").text
    assert page.get_log("browser") == []


def test_tables_sort_by_every_kind_of_column(page):
    press(page, "table-designs", "GE")
    cells = [float(text.replace(",", "")) for text in column(page, "table-designs", "GE")]
    assert cells == sorted(cells)
    press(page, "table-designs", "GE")
    assert column(page, "table-designs", "GE")[0] == "2,000"
    press(page, "table-designs", "pattern")
    patterns = column(page, "table-designs", "pattern")
    assert patterns == ["4:4", "16:16", "16:16", "2:4", "4:8", "8:16", "8:16", "8:16", "16:32"]
    heads = page.find_elements(By.CSS_SELECTOR, "#table-designs th[aria-sort]")
    assert [head.get_attribute("aria-sort") for head in heads] == ["ascending"]


def test_fpgas_stand_in_a_table_of_their_own_and_in_no_plot(page):
    assert column(page, "table-fpga", "LUTs") == ["220", "200", "180", "190", "100", ""]
    press(page, "table-fpga", "LUTs, dense = 1")
    assert column(page, "table-fpga", "LUTs, dense = 1") == ["0.9", "0.95", "1", "1.1", "", ""]
    assert set(column(page, "table-fpga", "stage")) == {"synthesis only", "failed"}
    assert "ecp5" not in page.find_element(By.ID, "shown").text


def test_cells_without_a_figure_stand_last_in_both_directions(page):
    box(page, "design", "pe").click()
    for _ in range(2):
        press(page, "table-designs", "area, dense = 1")
        assert column(page, "table-designs", "area, dense = 1")[-2:] == ["", ""]


def test_losses_models_and_phases_are_chosen(page):
    curve = Select(page.find_element(By.ID, "curve"))
    assert len(curve.options) == 3
    curve.select_by_visible_text("toy: perplexity, act d-pts+var, int8")
    assert {y for _, y in points(page, "plot-area")} == {0.1, 0.2}
    curve.select_by_index(2)
    assert {y for _, y in points(page, "plot-area")} == {0.64}
    assert points(page, "plot-time") == [["16:16", 10], ["8:16", 5]]
    Select(page.find_element(By.ID, "token-phase")).select_by_visible_text("decode")
    assert points(page, "plot-time") == [["16:16", 30], ["8:16", 15]]
    assert points(page, "plot-token-energy") == [["16:16", 60], ["8:16", 30]]


def test_energies_of_parts_are_shown_where_those_of_the_whole_are_not_known(browser, study,
                                                                            tmp_path):
    rows = [{**row, "relative_energy": 0.8 if row["design"] == "pe" else None}
            for row in study.designs if row["status"] == "done"]
    page = shown(browser, replace(study, designs=rows), tmp_path)
    assert points(page, "plot-energy") == [[0.8, 0.2]]
    assert "energy (pe)" in page.find_element(By.ID, "plot-energy").text
    assert len(points(page, "plot-area")) > 1


def test_parts_are_for_a_product_or_for_the_whole_design(page):
    heights = dict(points(page, "plot-parts", "multipliers and adders"))
    assert heights["2:4"] == pytest.approx(600 / 32)
    assert heights["16:16 dense"] == pytest.approx(900 / 32)
    of = Select(page.find_element(By.ID, "parts-of"))
    assert not points(page, "plot-parts", "memories")
    of.select_by_visible_text("area with memories")
    assert dict(points(page, "plot-parts", "memories"))["2:4"] == pytest.approx(100 / 32)
    of.select_by_visible_text("energy")
    assert dict(points(page, "plot-parts"))["2:4"] == pytest.approx(0.7)


def test_page_follows_a_dark_screen_and_prints_light(page):
    def ink():
        return page.execute_script(
            "return document.getElementById('plot-area')._fullLayout.font.color")

    light = ink()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": "dark"}]})
    page.execute_async_script("setTimeout(arguments[0], 200)")
    assert ink() != light
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == \
        "rgb(13, 17, 23)"
    assert page.execute_cdp_cmd("Page.printToPDF", {})["data"]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_everything_has_a_name_for_who_does_not_see_it(page):
    assert page.find_elements(By.CSS_SELECTOR, "html[lang=en]")
    for kind in ("select", "input"):
        for one in page.find_elements(By.CSS_SELECTOR, kind):
            assert one.accessible_name
    for plot in PLOTS:
        assert page.find_element(By.ID, plot).accessible_name
    levels = [int(one.tag_name[1]) for one in page.find_elements(By.CSS_SELECTOR, "h1, h2, h3")]
    assert levels == [1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("empty", [{"accuracy": []}, {"tokens": []}, {"designs": []},
                                   {"fpga": []}, None])
def test_a_study_that_lacks_a_part_is_a_page_too(browser, study, tmp_path, empty):
    page = shown(browser, Study(missing={"area": "not yet"}) if empty is None
                 else replace(study, **empty), tmp_path)
    for plot in PLOTS:
        assert page.find_element(By.ID, plot).find_elements(By.CSS_SELECTOR, "svg.main-svg")
    assert page.get_log("browser") == []
