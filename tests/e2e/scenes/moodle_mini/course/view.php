<?php
// A course, with its files.
require __DIR__ . '/../config.php';
require_once "$CFG->libdir/sessionlib.php";
$id = (int) ($_GET['id'] ?? 0);
$course = rows('SELECT * FROM {course} WHERE id = ?', [$id])[0] ?? fail(404, 'Can not find data record in database table course.');
context(50, $id);
$user = require_login($id);
note('\core\event\course_viewed', $user, $id);
$items = '';
foreach (rows('SELECT m.id, r.name FROM {course_modules} m JOIN {resource} r ON r.id = m.instance WHERE m.course = ?', [$id]) as $each) {
    context(70, (int) $each['id']);
    $items .= "<li id=\"module-{$each['id']}\">" . htmlspecialchars($each['name']) . '</li>';
}
page("Course: {$course['fullname']}", '<h1>' . htmlspecialchars($course['fullname']) . "</h1><ul>$items</ul>");
