<?php
// Removes a file from one's draft area.
require __DIR__ . '/../config.php';
require_once "$CFG->libdir/sessionlib.php";
$user = require_login();
require_sesskey();
$file = stored_file(context(30, $user), 'user', 'draft', (int) $_POST['itemid'], basename($_POST['filename']));
if ($_REQUEST['action'] !== 'delete' || $file === null) {
    exit('false');
}
run('DELETE FROM {files} WHERE id = ?', [$file['id']]);
if (!rows('SELECT 1 FROM {files} WHERE contenthash = ?', [$file['contenthash']])) {
    $hash = $file['contenthash'];
    unlink("$CFG->dataroot/filedir/" . substr($hash, 0, 2) . '/' . substr($hash, 2, 2) . "/$hash");
}
echo json_encode(['filepath' => '/']);
