<?php
// A file of a course: /CONTEXT/mod_resource/content/REVISION/NAME.
require __DIR__ . '/config.php';
require_once "$CFG->libdir/sessionlib.php";
[, $context, $component, $area, , $name] = [...explode('/', $_SERVER['PATH_INFO'] ?? '', 6), '', '', '', '', '', ''];
$found = rows('SELECT m.course FROM {context} x JOIN {course_modules} m ON m.id = x.instanceid
    WHERE x.id = ? AND x.contextlevel = 70', [(int) $context]);
require_login((int) ($found[0]['course'] ?? fail(404, 'Sorry, the requested file could not be found')));
$file = stored_file((int) $context, $component, $area, 0, rawurldecode($name));
send_stored_file($file ?? fail(404, 'Sorry, the requested file could not be found'));
