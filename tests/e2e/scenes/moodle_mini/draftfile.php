<?php
// One's own file that is not kept yet: /CONTEXT/user/draft/ITEM/NAME.
require __DIR__ . '/config.php';
require_once "$CFG->libdir/sessionlib.php";
[, $context, , , $item, $name] = [...explode('/', $_SERVER['PATH_INFO'] ?? '', 6), '', '', '', '', '', ''];
$user = require_login();
if ((int) $context !== context(30, $user)) {
    fail(404, 'Sorry, the requested file could not be found');
}
$file = stored_file((int) $context, 'user', 'draft', (int) $item, rawurldecode($name));
send_stored_file($file ?? fail(404, 'Sorry, the requested file could not be found'));
