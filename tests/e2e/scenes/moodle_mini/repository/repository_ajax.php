<?php
// Takes an uploaded file into one's draft area.
require __DIR__ . '/../config.php';
require_once "$CFG->libdir/sessionlib.php";
$user = require_login();
require_sesskey();
$context = context(30, $user);
$upload = $_FILES['repo_upload_file'];
$kind = rows('SELECT r.type FROM {repository_instances} i JOIN {repository} r ON r.id = i.typeid WHERE i.id = ?', [(int) $_POST['repo_id']]);
if (($kind[0]['type'] ?? '') !== 'upload' || $_REQUEST['action'] !== 'upload') {
    exit(json_encode(['error' => 'Invalid repository ID']));
}
[$item, $name, $hash] = [(int) $_POST['itemid'], basename($_POST['title'] ?: $upload['name']), sha1_file($upload['tmp_name'])];
$folder = "$CFG->dataroot/filedir/" . substr($hash, 0, 2) . '/' . substr($hash, 2, 2);
if (!is_dir($folder) && !@mkdir($folder, 0777, true) || !@copy($upload['tmp_name'], "$folder/$hash")) {
    exit(json_encode(['error' => 'Can not create local file pool directories, please verify permissions in dataroot.']));
}
run('INSERT INTO {files} (contenthash, pathnamehash, contextid, component, filearea, itemid, filepath, filename,
    userid, filesize, mimetype, timecreated, timemodified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [$hash, sha1("/$context/user/draft/$item/$name"), $context, 'user', 'draft', $item, '/', $name, $user,
     $upload['size'], 'text/plain', time(), time()]);
echo json_encode(['url' => "$CFG->wwwroot/draftfile.php/$context/user/draft/$item/$name", 'id' => $item, 'file' => $name]);
