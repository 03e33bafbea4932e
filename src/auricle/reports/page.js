"use strict";
// Everything reads without this script; it sorts the table, moves the playhead and keeps the place when a cell is chosen.

for (const table of document.querySelectorAll("[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = column > 0 ? head.ariaSort !== "descending" : head.ariaSort === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const order = (a, b) => column > 0 ? value(a) - value(b) : value(a).localeCompare(value(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => falling ? order(b, a) : order(a, b));
      table.tBodies[0].append(...rows);
    });
  });
}

// A list opens beside the matrix on a wide page: the place is kept, and the chosen cell is marked.
function mark() {
  for (const old of document.querySelectorAll(".matrix [aria-current]")) old.removeAttribute("aria-current");
  const chosen = location.hash && [...document.querySelectorAll(".matrix a")].find((link) => link.hash === location.hash);
  if (chosen) chosen.setAttribute("aria-current", "true");
}
for (const link of document.querySelectorAll(".matrix a, .confused a, .close")) {
  link.addEventListener("click", (event) => {
    const [x, y] = [scrollX, scrollY];
    event.preventDefault();
    location.hash = link.hash;
    scrollTo({ left: x, top: y, behavior: "instant" });
    const list = document.querySelector(".list:target");
    if (list) {
      list.focus({ preventScroll: true });
      const box = list.getBoundingClientRect();
      if (box.top > innerHeight - 80 || box.bottom < 0) list.scrollIntoView({ block: "nearest" });
    }
  });
}
addEventListener("hashchange", mark);
mark();

const players = [...document.querySelectorAll(".card audio")];
for (const player of players) {
  const picture = player.previousElementSibling;
  const head = document.createElement("i");
  head.hidden = true;
  picture.append(head);
  const follow = () => {
    head.hidden = false;
    head.style.left = `${100 * player.currentTime / (player.duration || 1)}%`;
    if (!player.paused) requestAnimationFrame(follow);
  };
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
    follow();
  });
  player.addEventListener("seeked", follow);
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    player.currentTime = (player.duration || 0) * (event.clientX - box.left) / box.width;
    player.play();
  });
}
