/* The console's own few scripts: the menu on small screens, charts drawn from their tables, and a
   word when no answer comes. Without any of it every page still works. */
"use strict";

(function () {
  function each(root, selector, act) {
    root.querySelectorAll(selector).forEach(act);
  }

  function toggles(root) {
    each(root, "[data-toggles]", function (button) {
      button.addEventListener("click", function () {
        const shown = document.getElementById(button.dataset.toggles).classList.toggle("show");
        button.setAttribute("aria-expanded", String(shown));
      });
    });
  }

  /* Whatever opens over the page closes with Escape, and when one goes elsewhere. */
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    each(document, "details.menu-drop[open]", function (one) {
      one.open = false;
      one.querySelector("summary").focus();
    });
  });
  document.addEventListener("click", function (event) {
    each(document, "details.menu-drop[open]", function (one) {
      if (!one.contains(event.target)) one.open = false;
    });
  });

  /* A box that ticks all others of its form. */
  document.addEventListener("change", function (event) {
    const box = event.target;
    if (!box.dataset || !box.dataset.ticks) return;
    each(document, "input[type=checkbox][name='" + box.dataset.ticks + "']", function (one) {
      one.checked = box.checked;
    });
  });

  /* <div class="chart" data-table="id" data-kind="bar" data-stacked>: the first column names the
     places, every further one is a series; a cell tells its number in data-value. */
  function read(table) {
    const heads = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent.trim());
    const rows = Array.from(table.tBodies[0].rows, (row) => Array.from(row.cells));
    return {
      names: rows.map((cells) => cells[0].textContent.trim()),
      series: heads.slice(1).map((head, place) => ({
        name: head,
        values: rows.map((cells) => Number(cells[place + 1].dataset.value)),
      })),
    };
  }

  const COLOURS = ["#0b4f8a", "#3a8dc4", "#7fb8dd", "#1b7a43", "#d98200", "#7a5ea8", "#8a97a8", "#b3261e"];

  function draw(box) {
    const told = read(document.getElementById(box.dataset.table));
    const kind = box.dataset.kind || "bar";
    const stacked = "stacked" in box.dataset;
    const format = new Intl.NumberFormat(document.documentElement.lang);
    const chart = window.echarts.init(box, null, { renderer: "canvas" });
    chart.setOption({
      animation: false,
      color: COLOURS,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 8, right: 12, top: 40, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, type: "scroll", itemWidth: 12, itemHeight: 12 },
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        axisPointer: { type: kind === "bar" ? "shadow" : "line" },
        valueFormatter: (value) => format.format(value),
      },
      xAxis: { type: "category", data: told.names, axisTick: { show: false } },
      yAxis: { type: "value", minInterval: 1, axisLabel: { formatter: (value) => format.format(value) } },
      series: told.series.map((one) => ({
        name: one.name,
        type: kind,
        data: one.values,
        stack: stacked ? "all" : undefined,
        barMaxWidth: 36,
        showSymbol: false,
      })),
    });
    new ResizeObserver(() => chart.resize()).observe(box);
  }

  function charts(root) {
    if (!window.echarts) return;
    each(root, ".chart[data-table]", function (box) {
      if (box.dataset.drawn) return;
      box.dataset.drawn = "yes";
      draw(box);
    });
  }

  /* htmx: no answer at all is said where notices stand. */
  document.addEventListener("htmx:sendError", function () {
    const place = document.getElementById("notices");
    if (!place) return;
    const notice = document.createElement("div");
    notice.className = "alert alert-danger";
    notice.setAttribute("role", "alert");
    notice.textContent = document.body.dataset.wordsFailed;
    place.replaceChildren(notice);
  });
  document.addEventListener("htmx:load", function (event) {
    if (event.detail.elt !== document.body) {
      toggles(event.detail.elt);
      charts(event.detail.elt);
    }
  });

  toggles(document);
  charts(document);
})();
