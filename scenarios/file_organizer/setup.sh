mkdir -p "inbox/Bob/New Folder" inbox/carla/empty/deeper
